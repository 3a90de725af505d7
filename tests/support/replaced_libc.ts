/**
 * Functions of the C library that a test answers itself: requests to a device
 * that this machine does not have, or failures that no kernel can be made to
 * give.
 *
 * Modules take their functions when they are loaded, so a test replaces first
 * and imports then, by `await import()`. Each file of tests has modules of its
 * own.
 */

/**
 * What stands in for one function. Its parameters are those that the module's
 * table declares.
 */
export type Replacement = (...parameters: never[]) => unknown;

const open = Deno.dlopen.bind(Deno);

// <errno.h> int *__errno_location(void);
const { symbols: { __errno_location: errnoLocation } } = open("libc.so.6", {
  __errno_location: { parameters: [], result: "pointer" },
});

/** Has modules that are loaded from now on find these instead of libc's. */
export function replaceLibc(
  replacements: Readonly<Record<string, Replacement>>,
): void {
  Object.defineProperty(Deno, "dlopen", {
    value: (path: string, table: Deno.ForeignLibraryInterface) => {
      const { symbols } = open(path, table);
      return { symbols: { ...symbols, ...replacements } };
    },
  });
}

/** Ends a replacement's call as libc ends a function that fails. */
export function failWith(errno: number): -1 {
  const location = errnoLocation();
  if (location === null) throw new Error("Cannot set errno: it has no place");
  new Int32Array(Deno.UnsafePointerView.getArrayBuffer(location, 4))[0] = errno;
  return -1;
}
