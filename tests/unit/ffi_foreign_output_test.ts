/** Writing to descriptors of others, without waiting and without their noticing. */

import assert from "node:assert/strict";
import { EAGAIN, EPIPE } from "../../ffi/errno.ts";
import {
  duplicateFd,
  O_CREAT,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  openFile,
  OwnedFd,
  readFd,
  setNonBlocking,
  statusFlags,
} from "../../ffi/fd.ts";
import { ForeignOutput, openForeignOutput } from "../../ffi/foreign_output.ts";
import { requestIoctl } from "../../ffi/ioctl.ts";
import { libc } from "../../ffi/libc.ts";
import { createPipe } from "../../ffi/pipe.ts";
import { StructWords } from "../../ffi/struct_words.ts";
import { socketPair } from "../../ffi/unix_socket.ts";
import { makeScratch } from "../support/scratch.ts";

const piece = new Uint8Array(4096).fill(7);

/** Writes until there is no room; returns how much there was. */
function fill(output: ForeignOutput): number {
  for (let total = 0;;) {
    const count = output.write(piece);
    if (count === -EAGAIN) return total;
    assert.ok(count > 0, `write returned ${count}`);
    total += count;
  }
}

/** Sets the status flags of an open file to none. */
function clearFlags(fd: OwnedFd): void {
  const F_SETFL = 4;
  assert.equal(libc.fcntl(fd.number, F_SETFL, 0), 0);
}

function open(fd: number): ForeignOutput {
  const output = openForeignOutput(fd);
  assert.ok(output !== null);
  return output;
}

Deno.test("a full pipe does not wait, and stays a waiting one for its other owners", () => {
  const { reader, writer } = createPipe();
  using _reader = reader;
  using theirs = duplicateFd(writer.number);
  using output = open(writer.release());
  assert.equal(output.needsReadiness, false);
  assert.equal(fill(output), 65_536);
  assert.equal(statusFlags(theirs.number) & O_NONBLOCK, 0);
});

Deno.test("the reader of a pipe sees the end when the output is closed", () => {
  const { reader, writer } = createPipe();
  using _reader = reader;
  {
    using output = open(writer.release());
    assert.equal(output.write(piece.subarray(0, 3)), 3);
  }
  assert.equal(readFd(reader.number, new Uint8Array(8)), 3);
  assert.equal(readFd(reader.number, new Uint8Array(8)), 0);
});

Deno.test("a pipe without a reader answers EPIPE", () => {
  const { reader, writer } = createPipe();
  using output = open(writer.release());
  reader[Symbol.dispose]();
  assert.equal(output.write(piece), -EPIPE);
});

Deno.test("a pipe that is non-blocking does not depend on staying so", () => {
  const { reader, writer } = createPipe();
  using _reader = reader;
  using theirs = duplicateFd(writer.number);
  setNonBlocking(theirs.number);
  using output = open(writer.release());
  const before = statusFlags(output.fd);
  clearFlags(theirs);
  assert.equal(statusFlags(output.fd), before);
  assert.equal(fill(output), 65_536);
});

Deno.test("what its owner may only read is refused, although we could open it for writing", () => {
  const { reader, writer } = createPipe();
  using _writer = writer;
  assert.equal(openForeignOutput(reader.release()), null);
  assert.equal(
    openForeignOutput(openFile("/dev/null", O_RDONLY).release()),
    null,
  );
});

Deno.test("a full socket does not wait, and stays a waiting one", () => {
  const [one, other] = socketPair();
  using _other = other;
  using theirs = duplicateFd(one.number);
  const before = statusFlags(theirs.number);
  using output = open(one.release());
  assert.ok(fill(output) > 0);
  assert.equal(statusFlags(theirs.number), before);
});

Deno.test("a terminal is written to, and not made non-blocking", () => {
  using master = openFile("/dev/ptmx", O_RDWR);
  const fd = terminalOf(master);
  using theirs = duplicateFd(fd);
  using output = open(fd);
  assert.equal(output.write(piece.subarray(0, 5)), 5);
  assert.equal(readFd(master.number, new Uint8Array(16)), 5);
  assert.equal(statusFlags(theirs.number) & O_NONBLOCK, 0);
});

Deno.test("a file is written on from where its owner is", () => {
  using scratch = makeScratch("foreign-output");
  const path = `${scratch.path}/file`;
  Deno.writeTextFileSync(path, "before ");
  const file = openFile(path, O_RDWR | O_CREAT);
  readFd(file.number, new Uint8Array(7));
  {
    using output = open(file.release());
    output.write(new TextEncoder().encode("after"));
  }
  assert.equal(Deno.readTextFileSync(path), "before after");
});

for (
  const [what, path, flags] of [
    ["a directory", "/", O_RDONLY],
    ["what only names a file", "/dev/null", O_PATH],
  ] as const
) {
  Deno.test(`${what} is refused and closed`, () => {
    const fd = openFile(path, flags).release();
    assert.equal(openForeignOutput(fd), null);
    assert.throws(() => statusFlags(fd), /EBADF/);
  });
}

Deno.test("a pipe that cannot be opened again is written to piece by piece, after the loop has said so", () => {
  const { reader, writer } = createPipe();
  using _reader = reader;
  using output = new ForeignOutput(
    new OwnedFd(writer.release()),
    "when-ready",
  );
  assert.equal(output.needsReadiness, true);
  assert.equal(output.write(new Uint8Array(10_000)), 4096);
});

/** The terminal behind a pseudo-terminal's master. */
function terminalOf(master: OwnedFd): number {
  const text = Deno.readTextFileSync(`/proc/self/fdinfo/${master.number}`);
  const index = /^tty-index:\s+(\d+)$/m.exec(text)?.[1];
  assert.ok(index !== undefined, text);
  // <asm/ioctls.h> TIOCSPTLCK, with a zero: the terminal may be opened
  const zero = new StructWords(4);
  assert.equal(requestIoctl(master.number, 0x4004_5431n, zero.pointer), 0);
  return openFile(`/dev/pts/${index}`, O_RDWR).release();
}
