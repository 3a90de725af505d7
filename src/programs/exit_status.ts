/**
 * The exit statuses of both programs. They are cmdliner's, which callers of
 * wayland-proxy-virtwl know; a sub-command's own status is only logged.
 */

/**
 * All went well, or the sub-command ended, or a signal asked the proxy to end.
 */
export const EXIT_OK = 0;
/**
 * The proxy could not run: a socket in use, a feature that is missing, a
 * command that cannot be started.
 */
export const EXIT_FAILED = 123;
/** The command line is wrong. */
export const EXIT_USAGE = 124;
/** A broken invariant: a defect of the proxy. */
export const EXIT_INTERNAL = 125;
