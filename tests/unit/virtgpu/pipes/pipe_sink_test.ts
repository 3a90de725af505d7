/**
 * What an application pastes, into whatever descriptor it gave: a pipe, a file,
 * a socket.
 */
import assert from "node:assert/strict";
import { EAGAIN } from "../../../../ffi/errno.ts";
import {
  O_WRONLY,
  openFile,
  type OwnedFd,
  readFd,
  setNonBlocking,
  statusFlags,
} from "../../../../ffi/fd.ts";
import { addSeals, createMemfd, F_SEAL_GROW } from "../../../../ffi/memfd.ts";
import { createPipe } from "../../../../ffi/pipe.ts";
import { socketPair } from "../../../../ffi/unix_socket.ts";
import { PipeSink } from "../../../../src/virtgpu/pipes/pipe_sink.ts";
import { ManualLoop } from "../../../support/manual_loop.ts";
import { withFreeDescriptors } from "../../../support/free_descriptors.ts";
import { makeScratch } from "../../../support/scratch.ts";
import { openPipe } from "../../../support/open_pipe.ts";

const PIPE_BYTES = 65_536;
const READ_BYTES = 4_072;

/** Bytes of which none is like its neighbours. */
function counted(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => i % 251);
}

/** Gives a sink data as the host does. */
function pushAll(sink: PipeSink, data: Uint8Array<ArrayBuffer>): void {
  for (let at = 0; at < data.length; at += READ_BYTES) {
    sink.push(data.subarray(at, at + READ_BYTES));
  }
}

/**
 * Reads all there is while the sink writes on.
 *
 * @returns what came, and after how many turns of the loop the last of it
 */
function readAll(
  loop: ManualLoop,
  reader: OwnedFd,
): { bytes: Uint8Array; turns: number; ended: boolean } {
  const chunks: number[] = [];
  const chunk = new Uint8Array(PIPE_BYTES);
  for (let turns = 0;; turns++) {
    for (;;) {
      const count = readFd(reader.number, chunk);
      if (count === -EAGAIN) break;
      assert.ok(count >= 0, `${count}`);
      if (count === 0) {
        return { bytes: Uint8Array.from(chunks), turns, ended: true };
      }
      for (const byte of chunk.subarray(0, count)) chunks.push(byte);
    }
    if (loop.turn(0) === 0) {
      return { bytes: Uint8Array.from(chunks), turns, ended: false };
    }
  }
}

Deno.test("a paste into a file is whole when it has ended", () => {
  using loop = new ManualLoop();
  using scratch = makeScratch("paste");
  const path = `${scratch.path}/file`;
  Deno.writeTextFileSync(path, "");
  using sink = new PipeSink(loop, openFile(path, O_WRONLY).release());
  const data = counted(300_000);
  pushAll(sink, data);
  assert.equal(sink.queued, 0);
  sink.end();
  assert.equal(sink.isDone, true);
  assert.deepEqual(Deno.readFileSync(path), data);
  assert.equal(loop.watchCount, 0);
});

Deno.test("a paste into a file that takes only a part of it ends there, as nobody tells when it takes more", () => {
  using loop = new ManualLoop();
  using file = createMemfd("full", 4_096);
  addSeals(file.number, F_SEAL_GROW);
  const theirs = openFile(`/proc/self/fd/${file.number}`, O_WRONLY);
  using sink = new PipeSink(loop, theirs.release());
  sink.push(counted(10_000));
  assert.equal(sink.isDone, true);
  assert.equal(sink.queued, 0);
  assert.equal(loop.watchCount, 0);
  const bytes = new Uint8Array(10_000);
  assert.equal(readFd(file.number, bytes), 4_096);
  assert.deepEqual(bytes.subarray(0, 4_096), counted(4_096));
  sink.push(counted(1));
  sink.end();
});

Deno.test("a paste onto a full disk ends", () => {
  using loop = new ManualLoop();
  using sink = new PipeSink(loop, openFile("/dev/full", O_WRONLY).release());
  sink.push(counted(1));
  assert.equal(sink.isDone, true);
  assert.equal(loop.watchCount, 0);
});

Deno.test("a paste into a socket waits for its reader, arrives in order, and ends", () => {
  using loop = new ManualLoop();
  const [theirs, reader] = socketPair();
  using end = reader;
  setNonBlocking(end.number);
  using sink = new PipeSink(loop, theirs.release());
  const data = counted(2_000_000);
  pushAll(sink, data);
  sink.end();
  assert.ok(sink.queued > 0);
  assert.equal(sink.isDone, false);
  const { bytes, ended } = readAll(loop, end);
  assert.equal(ended, true);
  assert.deepEqual(bytes, data);
  assert.equal(sink.isDone, true);
});

Deno.test("a paste into a pipe that cannot be opened again waits for its reader, arrives in order, and ends", () => {
  using loop = new ManualLoop();
  using pipe = openPipe();
  setNonBlocking(pipe.reader.number);
  using sink = withFreeDescriptors(
    0,
    () => new PipeSink(loop, pipe.writer.release()),
  );
  const data = counted(500_000);
  pushAll(sink, data);
  sink.end();
  assert.ok(sink.queued >= data.length - PIPE_BYTES);
  const { bytes, ended } = readAll(loop, pipe.reader);
  assert.equal(ended, true);
  assert.deepEqual(bytes, data);
});

Deno.test("a paste of 200000 single bytes that is not read is kept in few pieces, and arrives in order", () => {
  using loop = new ManualLoop();
  using pipe = openPipe();
  setNonBlocking(pipe.reader.number);
  using sink = new PipeSink(loop, pipe.writer.release());
  const data = counted(200_000);
  for (let at = 0; at < data.length; at++) sink.push(data.subarray(at, at + 1));
  assert.equal(sink.queued, data.length - PIPE_BYTES);
  sink.end();
  const { bytes, ended, turns } = readAll(loop, pipe.reader);
  assert.equal(ended, true);
  assert.deepEqual(bytes, data);
  // a pipe's content at a time, and not some bytes
  assert.ok(turns <= 5, `${turns} turns`);
});

Deno.test("data that come while others wait follow them, wherever the blocks end in which they are kept", () => {
  using loop = new ManualLoop();
  using pipe = openPipe();
  setNonBlocking(pipe.reader.number);
  using sink = new PipeSink(loop, pipe.writer.release());
  const data = counted(1_000_000);
  const out: Uint8Array[] = [];
  const chunk = new Uint8Array(PIPE_BYTES);
  let size = 1;
  for (let at = 0; at < data.length; at += size) {
    size = size * 7 % 9_973;
    sink.push(data.subarray(at, at + size));
    if (size % 3 !== 0) continue;
    const count = readFd(pipe.reader.number, chunk.subarray(0, size));
    if (count > 0) out.push(chunk.slice(0, count));
    loop.turn(0);
  }
  sink.end();
  out.push(readAll(loop, pipe.reader).bytes);
  assert.deepEqual(Uint8Array.from(out.flatMap((part) => [...part])), data);
});

Deno.test("a paste whose reader goes away while nothing waits for it ends at once", () => {
  using loop = new ManualLoop();
  const { reader, writer } = createPipe();
  setNonBlocking(reader.number);
  using sink = new PipeSink(loop, writer.release());
  sink.push(counted(PIPE_BYTES + 1));
  assert.equal(readAll(loop, reader).bytes.length, PIPE_BYTES + 1);
  assert.equal(loop.watchCount, 1);
  reader[Symbol.dispose]();
  loop.turn(0);
  assert.equal(sink.isDone, true);
  assert.equal(loop.watchCount, 0);
});

Deno.test("a paste that nobody can write into is thrown away", () => {
  using loop = new ManualLoop();
  using pipe = openPipe();
  const { number } = pipe.reader;
  using sink = new PipeSink(loop, pipe.reader.release());
  assert.equal(sink.isDone, true);
  sink.push(counted(10));
  sink.end();
  assert.throws(() => statusFlags(number), /EBADF/);
});
