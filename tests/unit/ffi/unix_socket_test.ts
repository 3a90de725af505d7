/** Listening, connecting and accepting, by path and by abstract name. */

import assert from "node:assert/strict";
import { EAGAIN } from "../../../ffi/errno.ts";
import { SyscallError } from "../../../ffi/error.ts";
import {
  O_NONBLOCK,
  O_RDONLY,
  openFile,
  OwnedFd,
  readFd,
  statusFlags,
  writeFd,
} from "../../../ffi/fd.ts";
import {
  acceptUnix,
  connectUnix,
  listenUnix,
  peerCredentials,
  shutdownSending,
  socketPair,
  unixSocketKind,
} from "../../../ffi/unix_socket.ts";
import { makeScratch } from "../../support/scratch.ts";

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof SyscallError && error.code === code;
}

for (const kind of ["path", "abstract name"]) {
  Deno.test(`a client reaches a listener by its ${kind}`, () => {
    using scratch = makeScratch("socket");
    const address = kind === "path"
      ? `${scratch.path}/s`
      : `@${scratch.path}/s`;
    using listener = listenUnix(address, 4);
    assert.equal(acceptUnix(listener.number), -EAGAIN);
    using client = connectUnix(address);
    using accepted = new OwnedFd(acceptUnix(listener.number));
    assert.deepEqual(peerCredentials(accepted.number), {
      pid: Deno.pid,
      uid: Deno.uid(),
      gid: Deno.gid(),
    });
    for (const fd of [client, accepted, listener]) {
      assert.notEqual(statusFlags(fd.number) & O_NONBLOCK, 0);
    }
    assert.equal(writeFd(client.number, new Uint8Array([7, 8])), 2);
    shutdownSending(client.number);
    const bytes = new Uint8Array(4);
    assert.equal(readFd(accepted.number, bytes), 2);
    assert.deepEqual([...bytes], [7, 8, 0, 0]);
    assert.equal(readFd(accepted.number, bytes), 0);
    assert.throws(() => listenUnix(address, 4), hasCode("EADDRINUSE"));
    assert.equal(
      kind === "path",
      [...Deno.readDirSync(scratch.path)].length === 1,
    );
  });
}

Deno.test("nobody there, nobody listening any more, and a full queue are told apart", () => {
  using scratch = makeScratch("socket");
  const path = `${scratch.path}/s`;
  assert.throws(() => connectUnix(path), hasCode("ENOENT"));
  listenUnix(path, 4)[Symbol.dispose]();
  assert.throws(() => connectUnix(path), hasCode("ECONNREFUSED"));
  Deno.removeSync(path);
  using _listener = listenUnix(path, 0);
  using _first = connectUnix(path);
  assert.throws(() => connectUnix(path), hasCode("EAGAIN"));
});

Deno.test("the message of a failure names the address", () => {
  assert.throws(() => connectUnix("/nowhere/wayland-0"), {
    name: "SyscallError",
    message:
      'Cannot connect to "/nowhere/wayland-0": No such file or directory (ENOENT)',
  });
});

Deno.test("what an inherited descriptor is can be told", () => {
  using scratch = makeScratch("socket");
  using listener = listenUnix(`${scratch.path}/s`, 1);
  const [a, b] = socketPair();
  using _a = a;
  using _b = b;
  using file = openFile("/dev/null", O_RDONLY);
  assert.equal(unixSocketKind(listener.number), "listening");
  assert.equal(unixSocketKind(a.number), "connected");
  assert.equal(unixSocketKind(file.number), "other");
  assert.equal(unixSocketKind(999_999), "other");
});
