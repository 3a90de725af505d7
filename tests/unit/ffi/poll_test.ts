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
import { isReadable, isWritable } from "../../../ffi/poll.ts";
import { openPipe } from "../../support/open_pipe.ts";

Deno.test("a pipe is readable when something was written", () => {
  using pipe = openPipe();
  assert.equal(isReadable(pipe.reader.number), false);
  writeFd(pipe.writer.number, Uint8Array.of(1));
  assert.equal(isReadable(pipe.reader.number), true);
});

Deno.test("a file in memory is always readable", () => {
  using file = createMemfd("plane", 4096);
  assert.equal(isReadable(file.number), true);
});

Deno.test("a pipe is writable until it is full", () => {
  using pipe = openPipe();
  setNonBlocking(pipe.writer.number);
  assert.equal(isWritable(pipe.writer.number), true);
  while (writeFd(pipe.writer.number, new Uint8Array(4096)) > 0);
  assert.equal(isWritable(pipe.writer.number), false);
});

Deno.test("a pipe without a reader, a device and a closed descriptor make no writer wait", () => {
  using pipe = openPipe();
  pipe.reader[Symbol.dispose]();
  assert.equal(isWritable(pipe.writer.number), true);
  using device = openFile("/dev/null", O_RDONLY);
  assert.equal(isWritable(device.number), true);
  const closed = duplicateFd(device.number);
  const { number } = closed;
  closed[Symbol.dispose]();
  assert.equal(isWritable(number), true);
});
