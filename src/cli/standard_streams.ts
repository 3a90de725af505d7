/**
 * Text to the standard streams, for what is written before the loop runs and
 * after it has ended.
 */

function write(stream: typeof Deno.stdout, text: string): void {
  let bytes = new TextEncoder().encode(text);
  try {
    while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
  } catch {
    // The reader is gone, or the parent process closed the stream: there is
    // nobody left to tell.
  }
}

/**
 * Writes to the standard output. A reader that went away (`… --help | head -1`)
 * is not an error.
 */
export function writeOutput(text: string): void {
  write(Deno.stdout, text);
}

/** Writes to the standard error output, which may be closed. */
export function writeError(text: string): void {
  write(Deno.stderr, text);
}
