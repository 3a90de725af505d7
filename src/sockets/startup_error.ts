/**
 * The error for what the user has to change before the proxy can run.
 */

/**
 * What was asked for cannot be done here and now. The message is complete: it
 * is shown without a stack trace.
 */
export class StartupError extends Error {
  override readonly name = "StartupError";
}
