/**
 * Writing to descriptors of others, without waiting and without their noticing.
 */

import assert from "node:assert/strict";
import { EAGAIN, EOPNOTSUPP, EPIPE } from "../../../ffi/errno.ts";
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
  writeFd,
} from "../../../ffi/fd.ts";
import {
  borrowForeignOutput,
  ForeignOutput,
  openForeignOutput,
} from "../../../ffi/foreign_output.ts";
import { requestIoctl } from "../../../ffi/ioctl.ts";
import { libc } from "../../../ffi/libc.ts";
import { openLibc } from "../../../ffi/library.ts";
import { createPipe } from "../../../ffi/pipe.ts";
import { StructWords } from "../../../ffi/struct_words.ts";
import { socketPair } from "../../../ffi/unix_socket.ts";
import { withFreeDescriptors } from "../../support/free_descriptors.ts";
import { makeScratch } from "../../support/scratch.ts";
import { openPipe } from "../../support/open_pipe.ts";

const { splice } = openLibc({
  // <fcntl.h> ssize_t splice(int fd_in, off_t *off_in, int fd_out, off_t *off_out, size_t len, unsigned int flags);
  splice: {
    parameters: ["i32", "pointer", "i32", "pointer", "u64", "u32"],
    result: "i32",
  },
});

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

/** Whether a pipe of this kernel can be told not to wait: since Linux 6.4. */
const [major = 0, minor = 0] = Deno.osRelease().split(".").map(Number);
const pipesNeedNotWait = major > 6 || (major === 6 && minor >= 4);

/**
 * Opens a pipe for writing that cannot be opened again, as another user's
 * cannot.
 */
function openForeignPipe(fd: number): ForeignOutput {
  const output = withFreeDescriptors(0, () => openForeignOutput(fd));
  assert.ok(output !== null);
  assert.equal(output.fd, fd, "it was not opened again");
  return output;
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
  using pipe = openPipe();
  using theirs = duplicateFd(pipe.writer.number);
  using output = open(pipe.writer.release());
  assert.equal(output.needsReadiness, false);
  assert.equal(fill(output), 65_536);
  assert.equal(statusFlags(theirs.number) & O_NONBLOCK, 0);
});

Deno.test("the reader of a pipe sees the end when the output is closed", () => {
  using pipe = openPipe();
  {
    using output = open(pipe.writer.release());
    assert.equal(output.write(piece.subarray(0, 3)), 3);
  }
  assert.equal(readFd(pipe.reader.number, new Uint8Array(8)), 3);
  assert.equal(readFd(pipe.reader.number, new Uint8Array(8)), 0);
});

Deno.test("a pipe without a reader answers EPIPE", () => {
  const { reader, writer } = createPipe();
  using output = open(writer.release());
  reader[Symbol.dispose]();
  assert.equal(output.write(piece), -EPIPE);
});

Deno.test("a pipe that is non-blocking does not depend on staying so", () => {
  using pipe = openPipe();
  using theirs = duplicateFd(pipe.writer.number);
  setNonBlocking(theirs.number);
  using output = open(pipe.writer.release());
  const before = statusFlags(output.fd);
  clearFlags(theirs);
  assert.equal(statusFlags(output.fd), before);
  assert.equal(fill(output), 65_536);
});

Deno.test("what its owner may only read is refused, although we could open it for writing", () => {
  using pipe = openPipe();
  assert.equal(openForeignOutput(pipe.reader.release()), null);
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

Deno.test("before Linux 6.4 a pipe that cannot be opened again is written to piece by piece, after the loop has said so", () => {
  using pipe = openPipe();
  using output = new ForeignOutput(
    new OwnedFd(pipe.writer.release()),
    "when-ready",
  );
  assert.equal(output.needsReadiness, true);
  assert.equal(output.write(new Uint8Array(10_000)), 4096);
});

Deno.test("an owner without a loop writes what a pipe that cannot be opened again has room for", () => {
  using pipe = openPipe();
  {
    using output = borrowForeignOutput(pipe.writer.number, () => null);
    assert.equal(output.fd, pipe.writer.number);
    assert.equal(output.needsReadiness, false);
    assert.equal(output.write(new Uint8Array(10_000)), 4096);
    assert.equal(fill(output), 65_536 - 4096);
  }
  assert.equal(
    statusFlags(pipe.writer.number) & O_NONBLOCK,
    0,
    "it is open, and a waiting one",
  );
});

Deno.test({
  name:
    "a pipe that cannot be opened again does not wait where another owner fills it between readiness and write",
  ignore: !pipesNeedNotWait,
  fn: () => {
    using pipe = openPipe();
    using theirs = duplicateFd(pipe.writer.number);
    using output = openForeignPipe(pipe.writer.release());
    assert.equal(output.needsReadiness, false);
    assert.equal(fill(output), 65_536);
    for (let times = 0; times < 3; times++) {
      assert.equal(readFd(pipe.reader.number, new Uint8Array(4096)), 4096);
      // there is room, which the loop says now
      assert.equal(writeFd(theirs.number, piece), 4096);
      assert.equal(output.write(piece), -EAGAIN);
    }
    assert.equal(statusFlags(theirs.number) & O_NONBLOCK, 0);
    assert.equal(readFd(pipe.reader.number, new Uint8Array(10_000)), 10_000);
    assert.equal(output.write(new Uint8Array(10_000)), 8192);
    pipe.reader[Symbol.dispose]();
    assert.equal(output.write(piece), -EPIPE);
  },
});

Deno.test({
  name:
    "a pipe that cannot be opened again, and whose owner has taken from it that it can be told not to wait, is given up",
  ignore: !pipesNeedNotWait,
  fn: () => {
    const source = createPipe();
    using from = source.reader;
    using into = source.writer;
    assert.equal(writeFd(into.number, piece.subarray(0, 1)), 1);
    using pipe = openPipe();
    assert.equal(splice(from.number, null, pipe.writer.number, null, 1n, 0), 1);
    using output = openForeignPipe(pipe.writer.release());
    assert.equal(output.write(piece), -EOPNOTSUPP);
    assert.equal(output.needsReadiness, false);
  },
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
