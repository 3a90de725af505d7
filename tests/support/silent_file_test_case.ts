/** Tests with a file of a file system that never answers. */
import assert from "node:assert/strict";
import { openSilentFile, type SilentFile } from "./silent_file_system.ts";

/** Milliseconds that nothing takes which waits for nobody. */
const PATIENCE_MS = 5_000;

/**
 * Tests what `body` does with such a file, and that nothing waits for it.
 * Without the right to mount one there is nothing to test.
 */
export function testWithSilentFile(
  name: string,
  body: (file: SilentFile) => void,
): void {
  Deno.test({
    name,
    // the threads that close the file are stuck until the file system is gone
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async (): Promise<void> => {
      const file = await openSilentFile();
      if (file === null) return;
      try {
        const before = performance.now();
        body(file);
        const took = performance.now() - before;
        assert.ok(took < PATIENCE_MS, "something waited");
      } finally {
        await file[Symbol.asyncDispose]();
      }
    },
  });
}
