/**
 * Opens tables of C functions. The only file of the project that calls
 * `Deno.dlopen`.
 *
 * Deno compiles a trampoline for every symbol when a table is opened (about
 * 0.07 ms each), so a table that is rarely needed stands in a file of its own
 * and is opened on first use.
 */

/**
 * Opens the C library with the given prototypes and returns its functions. It
 * stays open for the life of the process.
 */
export function openLibc<const Table extends Deno.ForeignLibraryInterface>(
  table: Table,
): Deno.DynamicLibrary<Table>["symbols"] {
  return Deno.dlopen("libc.so.6", table).symbols;
}
