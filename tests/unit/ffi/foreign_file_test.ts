/**
 * Descriptors of file systems that never answer; without the right to mount
 * one, there is nothing to test.
 */
import assert from "node:assert/strict";
import { duplicateFd, O_RDONLY, openFile } from "../../../ffi/fd.ts";
import { closeForeignFd, memoryKind } from "../../../ffi/file_kind.ts";
import { openForeignOutput } from "../../../ffi/foreign_output.ts";
import { mountOf, mountOfDevice } from "../../../ffi/mount_table.ts";
import { createPipe } from "../../../ffi/pipe.ts";
import { testWithSilentFile } from "../../support/silent_file_test_case.ts";

testWithSilentFile(
  "a file of a file system that never answers is foreign, is not written to, and closing it waits for nobody",
  (file) => {
    assert.equal(memoryKind(file.fd.number), "foreign");
    closeForeignFd(duplicateFd(file.fd.number).release());
    assert.equal(
      openForeignOutput(duplicateFd(file.fd.number).release()),
      null,
    );
  },
);

Deno.test("a mount is found by an open file, and by its device number where it is in another name space", () => {
  using directory = openFile("/dev/shm", O_RDONLY);
  assert.equal(mountOf(directory.number)?.type, "tmpfs");
  const { dev } = Deno.statSync("/dev/shm");
  // gnu_dev_minor(3)
  const minor = (dev & 0xff) | ((dev >>> 12) & 0xfff00);
  assert.equal(mountOfDevice((dev >>> 8) & 0xfff, minor)?.type, "tmpfs");
  assert.equal(mountOfDevice(4095, 4095), null);
});

Deno.test("what is on no mount of ours has none", () => {
  const { reader, writer } = createPipe();
  assert.equal(mountOf(reader.number), null);
  reader[Symbol.dispose]();
  writer[Symbol.dispose]();
  assert.equal(mountOf(999_999), null);
});
