/** Descriptors of file systems that never answer; without the right to mount one, there is nothing to test. */
import assert from "node:assert/strict";
import { duplicateFd } from "../../ffi/fd.ts";
import { closeForeignFd, memoryKind } from "../../ffi/file_kind.ts";
import { openSilentFile } from "../scenario/support/silent_file_system.ts";

Deno.test({
  name:
    "a file of a file system that never answers is foreign, and closing it waits for nobody",
  // the thread that closes it is stuck until the file system is gone
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async (): Promise<void> => {
    const file = await openSilentFile();
    if (file === null) return;
    try {
      const before = performance.now();
      assert.equal(memoryKind(file.fd.number), "foreign");
      closeForeignFd(duplicateFd(file.fd.number).release());
      assert.ok(performance.now() - before < 5_000, "something waited");
    } finally {
      await file[Symbol.asyncDispose]();
    }
  },
});
