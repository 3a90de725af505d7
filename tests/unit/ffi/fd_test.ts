/**
 * Descriptors, files in memory, mappings, pipes, locks, and what a descriptor
 * is.
 */

import assert from "node:assert/strict";
import { EAGAIN, EBADF, EPIPE } from "../../../ffi/errno.ts";
import { check, SyscallError } from "../../../ffi/error.ts";
import { errnoName, errnoText } from "../../../ffi/errno.ts";
import {
  closeFd,
  duplicateFd,
  isTerminal,
  O_ACCMODE,
  O_CREAT,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  openFile,
  OwnedFd,
  readFd,
  readFdAt,
  setCloseOnExec,
  setNonBlocking,
  statusFlags,
  writeFd,
} from "../../../ffi/fd.ts";
import { fileSize, memoryKind } from "../../../ffi/file_kind.ts";
import { mapFile } from "../../../ffi/mapping.ts";
import {
  addSeals,
  createMemfd,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
  readSeals,
} from "../../../ffi/memfd.ts";
import { createPipe } from "../../../ffi/pipe.ts";
import {
  lockFile,
  mkfifo,
  raiseFdLimit,
  readFdLimit,
  setFdLimit,
} from "../../../ffi/process.ts";
import { socketPair } from "../../../ffi/unix_socket.ts";
import { makeScratch } from "../../support/scratch.ts";
import { openPipe } from "../../support/open_pipe.ts";

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof SyscallError && error.code === code;
}

function closesOnExec(fd: number): boolean {
  const flags =
    /^flags:\s*(\d+)/m.exec(Deno.readTextFileSync(`/proc/self/fdinfo/${fd}`))
      ?.[1] ?? "0";
  return (parseInt(flags, 8) & 0o2000000) !== 0;
}

Deno.test("an owned descriptor is closed once, and cannot be used afterwards", () => {
  const { reader, writer } = createPipe();
  const { number } = reader;
  reader[Symbol.dispose]();
  assert.equal(readFd(number, new Uint8Array(1)), -EBADF);
  using other = duplicateFd(writer.number); // may get the same number
  reader[Symbol.dispose]();
  assert.notEqual(statusFlags(other.number), 0);
  assert.throws(() => reader.number, /closed or given away/);
  writer[Symbol.dispose]();
});

Deno.test("a descriptor that was given away is not closed by its former owner", () => {
  const { reader, writer } = createPipe();
  writer[Symbol.dispose]();
  const number = reader.release();
  reader[Symbol.dispose]();
  assert.equal(readFd(number, new Uint8Array(1)), 0);
  closeFd(number);
  assert.throws(() => closeFd(number), hasCode("EBADF"));
  assert.throws(() => new OwnedFd(-1), RangeError);
});

Deno.test("close-on-exec can be taken away and set, and every descriptor has it at first", () => {
  using fd = openFile("/dev/null", O_RDONLY);
  assert.equal(closesOnExec(fd.number), true);
  setCloseOnExec(fd.number, "keep");
  assert.equal(closesOnExec(fd.number), false);
  setCloseOnExec(fd.number, "close");
  assert.equal(closesOnExec(fd.number), true);
  using second = duplicateFd(fd.number, 200);
  assert.ok(second.number >= 200);
  assert.equal(closesOnExec(second.number), true);
});

Deno.test("files are opened as asked", () => {
  using scratch = makeScratch("fd");
  const path = `${scratch.path}/file`;
  {
    using fd = openFile(path, O_RDWR | O_CREAT, 0o640);
    assert.equal(statusFlags(fd.number) & O_ACCMODE, O_RDWR);
    assert.equal(
      (Deno.statSync(path).mode ?? 0) & 0o777,
      0o640 & ~Deno.umask(),
    );
    assert.equal(writeFd(fd.number, new TextEncoder().encode("hello")), 5);
    const bytes = new Uint8Array(9);
    assert.equal(readFdAt(fd.number, bytes, 1), 4);
    assert.equal(new TextDecoder().decode(bytes.subarray(0, 4)), "ello");
    assert.equal(readFd(fd.number, bytes), 0);
    assert.equal(fileSize(fd.number), 5);
  }
  Deno.symlinkSync(path, `${scratch.path}/link`);
  assert.throws(
    () => openFile(`${scratch.path}/link`, O_RDONLY | O_NOFOLLOW),
    hasCode("ELOOP"),
  );
});

Deno.test("non-blocking on our end of a pipe leaves the other end alone", () => {
  using pipe = openPipe();
  setNonBlocking(pipe.reader.number);
  assert.equal(readFd(pipe.reader.number, new Uint8Array(1)), -EAGAIN);
  assert.equal(statusFlags(pipe.writer.number) & O_NONBLOCK, 0);
  pipe.reader[Symbol.dispose]();
  assert.equal(writeFd(pipe.writer.number, new Uint8Array(1)), -EPIPE);
  assert.equal(isTerminal(pipe.writer.number), false);
});

Deno.test("a sealed memory file can be read, and neither written nor resized", () => {
  using fd = createMemfd("keymap", 5000);
  assert.equal(fileSize(fd.number), 5000);
  assert.equal(readSeals(fd.number), 0);
  {
    using mapping = mapFile(fd.number, 5000, "write");
    mapping.words[1] = 0x04030201;
    assert.throws(() => addSeals(fd.number, F_SEAL_WRITE), hasCode("EBUSY"));
  }
  addSeals(fd.number, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  assert.equal(readSeals(fd.number), 15);
  assert.equal(writeFd(fd.number, new Uint8Array(1)), -1); // EPERM
  using mapping = mapFile(fd.number, 5000, "read");
  assert.deepEqual([...mapping.bytes.subarray(3, 9)], [0, 1, 2, 3, 4, 0]);
  assert.throws(() => mapFile(fd.number, 5000, "write"), hasCode("EPERM"));
});

Deno.test("views of a mapping are empty once it is unmapped", () => {
  using fd = createMemfd("mapping", 4096);
  const mapping = mapFile(fd.number, 4096, "write");
  const view = mapping.bytes.subarray(8);
  mapping[Symbol.dispose]();
  mapping[Symbol.dispose]();
  assert.equal(view.length, 0);
  assert.equal(view[0], undefined);
  assert.throws(() => view.set([1]), TypeError);
  using reader = createPipe().reader;
  assert.throws(() => mapFile(reader.number, 4096, "read"), hasCode("ENODEV"));
});

Deno.test("a lock is held against every other opening of the file, until it is closed", () => {
  using scratch = makeScratch("lock");
  const path = `${scratch.path}/lock`;
  const first = openFile(path, O_RDWR | O_CREAT);
  using second = openFile(path, O_RDWR);
  assert.equal(lockFile(first.number), true);
  assert.equal(lockFile(second.number), false);
  first[Symbol.dispose]();
  assert.equal(lockFile(second.number), true);
  assert.throws(() => lockFile(999_999), hasCode("EBADF"));
});

Deno.test("the limit of open files can be lowered and raised again", () => {
  const before = readFdLimit();
  try {
    setFdLimit({ soft: before.hard - 1n, hard: before.hard });
    assert.equal(readFdLimit().soft, before.hard - 1n);
    assert.equal(raiseFdLimit(), Number(before.hard));
    assert.equal(readFdLimit().soft, before.hard);
  } finally {
    setFdLimit(before);
  }
});

Deno.test("files of every kind are told apart", async (test) => {
  using scratch = makeScratch("kind");
  const fifo = `${scratch.path}/fifo`;
  mkfifo(fifo, 0o600);
  assert.throws(() => mkfifo(fifo, 0o600), hasCode("EEXIST"));
  const onTmpfs = `/dev/shm/wayferry-${crypto.randomUUID()}`;
  using cleanUp = new DisposableStack();
  cleanUp.defer(() => Deno.removeSync(onTmpfs));
  const [socket, otherSocket] = socketPair();
  cleanUp.use(otherSocket);
  const { reader, writer } = createPipe();
  cleanUp.use(writer);
  const kinds: [name: string, fd: OwnedFd, expected: string][] = [
    ["a memfd", createMemfd("kind", 1), "memory"],
    ["a file on tmpfs", openFile(onTmpfs, O_RDWR | O_CREAT), "memory"],
    // wherever tests run, Deno itself was installed on a disk
    ["a file on a disk", openFile(Deno.execPath(), O_RDONLY), "disk"],
    ["a file of /proc", openFile("/proc/self/status", O_RDONLY), "foreign"],
    ["a pipe", reader, "pipe"],
    ["a named pipe", openFile(fifo, O_RDWR), "pipe"],
    ["a directory on tmpfs", openFile("/dev/shm", O_RDONLY), "directory"],
    ["a directory", openFile(scratch.path, O_RDONLY), "directory"],
    ["a socket", socket, "socket"],
    ["a device", openFile("/dev/zero", O_RDONLY), "device"],
    ["a name only", openFile(Deno.execPath(), O_PATH), "invalid"],
    ["a name on tmpfs only", openFile(onTmpfs, O_PATH), "invalid"],
    ["a file that can only be written", openFile(onTmpfs, O_WRONLY), "memory"],
  ];
  for (const [, fd] of kinds) cleanUp.use(fd);
  for (const [name, fd, expected] of kinds) {
    await test.step(`${name} is "${expected}"`, () =>
      assert.equal(memoryKind(fd.number), expected));
  }
  await test.step('a number without a file is "invalid"', () =>
    assert.equal(memoryKind(999_999), "invalid"));
});

Deno.test("errors have Linux's names and the C library's texts", () => {
  assert.equal(errnoName(1), "EPERM");
  assert.equal(errnoName(11), "EAGAIN");
  assert.equal(errnoName(40), "ELOOP");
  assert.equal(errnoName(58), "errno 58");
  assert.equal(errnoName(109), "ETOOMANYREFS");
  assert.equal(errnoName(133), "EHWPOISON");
  assert.equal(errnoName(134), "errno 134");
  assert.equal(errnoText(24), "Too many open files");
  assert.equal(errnoText(134), "Unknown error");
  assert.equal(check("count", 3), 3);
});
