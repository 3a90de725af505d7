/**
 * Levels and sources of log lines, under the names that wayland-proxy-virtwl
 * gives them.
 */

/** From what must be read to what only a debugger reads. */
export const logLevels = ["error", "warning", "info", "debug"] as const;

/** How important a line is. */
export type LogLevel = typeof logLevels[number];

/**
 * Which part of the program speaks: the connections of applications, the
 * compositor's, the proxy itself, Xwayland's process, its X11 connection.
 */
export const logSources = [
  "wl-client",
  "wl-server",
  "wl-proxy",
  "xwayland",
  "x11",
] as const;

/** Who wrote a line. */
export type LogSource = typeof logSources[number];
