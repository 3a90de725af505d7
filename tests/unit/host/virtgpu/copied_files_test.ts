/** Files that clients get copies of. */

import assert from "node:assert/strict";
import { SyscallError } from "../../../../ffi/error.ts";
import {
  duplicateFd,
  O_ACCMODE,
  O_RDONLY,
  OwnedFd,
  readFd,
  statusFlags,
  writeFd,
} from "../../../../ffi/fd.ts";
import { fileSize } from "../../../../ffi/file_kind.ts";
import { mapFile } from "../../../../ffi/mapping.ts";
import { readSeals } from "../../../../ffi/memfd.ts";
import { CopiedFiles } from "../../../../src/host/virtgpu/copied_files.ts";
import { withFreeDescriptors } from "../../../support/free_descriptors.ts";

const keymap = new TextEncoder().encode("xkb_keymap { };\0");

function readAll(fd: number): Uint8Array {
  const bytes = new Uint8Array(4096);
  return bytes.subarray(0, Math.max(0, readFd(fd, bytes)));
}

Deno.test("a copy has the contents and their size, and cannot be changed", () => {
  using files = new CopiedFiles();
  using copy = new OwnedFd(files.copy(keymap));
  assert.equal(fileSize(copy.number), keymap.length);
  assert.equal(readSeals(copy.number), 0xf);
  assert.equal(statusFlags(copy.number) & O_ACCMODE, O_RDONLY);
  assert.ok(writeFd(copy.number, new Uint8Array(1)) < 0);
  assert.throws(() => mapFile(copy.number, keymap.length, "write"));
  using mapping = mapFile(copy.number, keymap.length, "read");
  assert.deepEqual(mapping.bytes, keymap);
});

Deno.test("the same contents are kept once, and each client reads them from the beginning", () => {
  using files = new CopiedFiles();
  using first = new OwnedFd(files.copy(keymap));
  using second = new OwnedFd(files.copy(keymap.slice()));
  assert.equal(files.count, 1);
  assert.deepEqual(readAll(first.number), keymap);
  assert.deepEqual(readAll(second.number), keymap);
});

Deno.test("other contents of the same size are another file", () => {
  using files = new CopiedFiles();
  const other = keymap.slice();
  other[3] = 0;
  using _first = new OwnedFd(files.copy(keymap));
  using second = new OwnedFd(files.copy(other));
  assert.equal(files.count, 2);
  assert.deepEqual(readAll(second.number), other);
});

Deno.test("sixteen are kept, those used last", () => {
  using files = new CopiedFiles();
  const fileOf = (text: string): number | null => {
    using copy = new OwnedFd(files.copy(new TextEncoder().encode(text)));
    return Deno.statSync(`/proc/self/fd/${copy.number}`).ino;
  };
  const first = fileOf("first");
  const others = Array.from({ length: 15 }, (_, i) => fileOf(`other ${i}`));
  assert.equal(files.count, 16);
  assert.equal(fileOf("first"), first);
  fileOf("one more");
  assert.equal(files.count, 16);
  assert.equal(fileOf("first"), first);
  assert.equal(fileOf("other 1"), others[1]);
  assert.notEqual(fileOf("other 0"), others[0]);
});

Deno.test("large and empty files are copied as well, the large ones for one client", () => {
  using files = new CopiedFiles();
  using large = new OwnedFd(files.copy(new Uint8Array(2 * 1024 * 1024)));
  assert.equal(files.count, 0);
  assert.equal(fileSize(large.number), 2 * 1024 * 1024);
  using empty = new OwnedFd(files.copy(new Uint8Array(0)));
  assert.equal(fileSize(empty.number), 0);
});

Deno.test("a copy for which there is no descriptor left takes none", () => {
  using files = new CopiedFiles();
  // room for the copy itself, but not for the client's descriptor of it
  withFreeDescriptors(1, () => {
    assert.throws(() => files.copy(keymap), SyscallError);
    duplicateFd(0)[Symbol.dispose]();
  });
});
