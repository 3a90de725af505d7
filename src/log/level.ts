/**
 * Levels and sources of log lines, under the names that wayland-proxy-virtwl
 * gives them.
 */

/** From what must be read to what only a debugger reads. */
export const logLevels = ["error", "warning", "info", "debug"] as const;

/** How important a line is. */
export type LogLevel = typeof logLevels[number];

/**
 * Which part of the program logs: the connections of applications, the
 * connections to the compositor, the proxy itself, Xwayland's process, and its
 * X11 connection.
 */
export const logSources = [
  "wl-client",
  "wl-server",
  "proxy",
  "xwayland",
  "x11",
] as const;

/** Who wrote a line. */
export type LogSource = typeof logSources[number];

/**
 * What lines of the proxy itself are called: by the drop-in, and by `wayferry`.
 */
export type ProxyName = "wl-proxy" | "wayferry";

/** A source as lines show it. */
export type SourceName = Exclude<LogSource, "proxy"> | ProxyName;

/** The name that lines show for a source. */
export function sourceName(
  source: LogSource,
  proxyName: ProxyName,
): SourceName {
  return source === "proxy" ? proxyName : source;
}
