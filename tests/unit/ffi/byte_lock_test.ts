/** Locks of bytes, between openings of a file. */
import assert from "node:assert/strict";
import { encodeByteLock, lockByte } from "../../../ffi/byte_lock.ts";
import { duplicateFd, O_RDONLY, O_RDWR, openFile } from "../../../ffi/fd.ts";
import { makeScratch } from "../../support/scratch.ts";
import { openPipe } from "../../support/open_pipe.ts";

Deno.test("a lock of a byte for writing has the bytes of struct flock", () => {
  const words = new Int32Array(8);
  encodeByteLock(words, 0x01020304);
  assert.deepEqual(
    [...new Uint8Array(words.buffer)],
    // deno-fmt-ignore
    [
      1, 0, 0, 0, 0, 0, 0, 0, // l_type F_WRLCK, l_whence SEEK_SET
      4, 3, 2, 1, 0, 0, 0, 0, // l_start
      1, 0, 0, 0, 0, 0, 0, 0, // l_len
      0, 0, 0, 0, 0, 0, 0, 0, // l_pid
    ],
  );
});

/** Opens a path twice, and locks bytes. */
function exclude(path: string): void {
  const first = openFile(path, O_RDWR);
  using second = openFile(path, O_RDWR);
  assert.equal(lockByte(first.number, 7), "locked");
  assert.equal(lockByte(first.number, 7), "locked", "it is its own");
  assert.equal(lockByte(second.number, 7), "taken");
  assert.equal(lockByte(second.number, 8), "locked");
  const copy = duplicateFd(first.number);
  first[Symbol.dispose]();
  assert.equal(lockByte(second.number, 7), "taken", "it is open still");
  copy[Symbol.dispose]();
  assert.equal(lockByte(second.number, 7), "locked");
}

Deno.test("a byte is one opening's, until that is closed for good", () => {
  using scratch = makeScratch("lock");
  const path = `${scratch.path}/file`;
  Deno.writeTextFileSync(path, "");
  exclude(path);
});

Deno.test("bytes of a device node are locked as well", () => {
  using scratch = makeScratch("lock");
  // a node of our own: nobody else's locks are in the way
  const path = `${scratch.path}/null`;
  const made = new Deno.Command("mknod", {
    args: [path, "c", "1", "3"],
    stderr: "null",
  }).outputSync().success;
  let isUsable = made;
  try {
    if (made) openFile(path, O_RDWR)[Symbol.dispose]();
  } catch {
    // a file system without devices
    isUsable = false;
  }
  exclude(isUsable ? path : "/dev/zero");
});

Deno.test("what was not opened for writing cannot be locked", () => {
  using file = openFile("/dev/null", O_RDONLY);
  assert.equal(lockByte(file.number, 7), "impossible");
  using pipe = openPipe();
  assert.equal(lockByte(pipe.reader.number, 7), "impossible");
});
