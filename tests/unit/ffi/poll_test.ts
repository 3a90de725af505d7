/** Whether descriptors are ready now. */

import assert from "node:assert/strict";
import {
  duplicateFd,
  O_RDONLY,
  openFile,
  setNonBlocking,
  writeFd,
} from "../../../ffi/fd.ts";
import { createMemfd } from "../../../ffi/memfd.ts";
import { createPipe } from "../../../ffi/pipe.ts";
import { isReadable, isWritable } from "../../../ffi/poll.ts";

Deno.test("a pipe is readable when something was written", () => {
  const { reader, writer } = createPipe();
  using end = reader;
  using other = writer;
  assert.equal(isReadable(end.number), false);
  writeFd(other.number, Uint8Array.of(1));
  assert.equal(isReadable(end.number), true);
});

Deno.test("a file in memory is always readable", () => {
  using file = createMemfd("plane", 4096);
  assert.equal(isReadable(file.number), true);
});

Deno.test("a pipe is writable until it is full", () => {
  const { reader, writer } = createPipe();
  using _reader = reader;
  using end = writer;
  setNonBlocking(end.number);
  assert.equal(isWritable(end.number), true);
  while (writeFd(end.number, new Uint8Array(4096)) > 0);
  assert.equal(isWritable(end.number), false);
});

Deno.test("a pipe without a reader, a device and a closed descriptor make no writer wait", () => {
  const { reader, writer } = createPipe();
  using end = writer;
  reader[Symbol.dispose]();
  assert.equal(isWritable(end.number), true);
  using device = openFile("/dev/null", O_RDONLY);
  assert.equal(isWritable(device.number), true);
  const closed = duplicateFd(device.number);
  const { number } = closed;
  closed[Symbol.dispose]();
  assert.equal(isWritable(number), true);
});
