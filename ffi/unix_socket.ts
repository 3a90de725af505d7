/**
 * Unix stream sockets: unix(7). An address is a path, or "@" and a name for
 * Linux's abstract name space.
 */

import { SOL_SOCKET } from "./control_message.ts";
import { check, lastErrno, SyscallError } from "./error.ts";
import { OwnedFd } from "./fd.ts";
import { libc } from "./libc.ts";

const {
  accept4,
  bind,
  connect,
  getsockopt,
  listen,
  shutdown,
  socket,
  socketpair,
} = libc;

// <sys/socket.h>
const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const STREAM = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
const SO_TYPE = 3;
const SO_PEERCRED = 17;
const SO_ACCEPTCONN = 30;
const SO_DOMAIN = 39;
const SHUT_WR = 1;

// struct sockaddr_un: u16 sun_family, char sun_path[108]
const SUN_PATH = 2;
const SUN_PATH_BYTES = 108;

/**
 * Process and user at the other end of a socket, as they were when it
 * connected.
 */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/**
 * A struct sockaddr_un of exactly the length that the kernel needs: a path ends
 * with a zero, an abstract name begins with one and has none at its end.
 *
 * @throws {RangeError} when it does not fit into 108 bytes.
 */
export function encodeUnixAddress(address: string): Uint8Array<ArrayBuffer> {
  const isAbstract = address.startsWith("@");
  if (address === "" || address.includes("\0")) {
    throw new RangeError(
      `Cannot use ${
        JSON.stringify(address)
      } as a socket address: empty, or with a zero byte`,
    );
  }
  const path = new TextEncoder().encode(
    isAbstract ? `\0${address.slice(1)}` : `${address}\0`,
  );
  if (path.length > SUN_PATH_BYTES) {
    throw new RangeError(
      `Cannot use ${JSON.stringify(address)} as a socket address: ${
        path.length - 1
      } bytes, the longest has 107`,
    );
  }
  const bytes = new Uint8Array(SUN_PATH + path.length);
  bytes[0] = AF_UNIX;
  bytes.set(path, SUN_PATH);
  return bytes;
}

/** A non-blocking socket without an address. */
function createUnixSocket(): OwnedFd {
  return new OwnedFd(check("make a unix socket", socket(AF_UNIX, STREAM, 0)));
}

/**
 * Connects, without waiting; the socket is non-blocking.
 *
 * @throws {SyscallError} ENOENT or ECONNREFUSED: nobody listens; EAGAIN: the
 * listener's queue is full.
 */
export function connectUnix(address: string): OwnedFd {
  const bytes = encodeUnixAddress(address);
  using created = createUnixSocket();
  check(
    `connect to ${JSON.stringify(address)}`,
    connect(created.number, bytes, bytes.length),
  );
  return new OwnedFd(created.release());
}

/**
 * Listens; the socket is non-blocking.
 *
 * A path that exists is not replaced: the owner of the lock that goes with it
 * removes a stale socket first.
 *
 * @throws {SyscallError} EADDRINUSE: the path exists, or the abstract name is
 * in use.
 */
export function listenUnix(address: string, backlog: number): OwnedFd {
  const bytes = encodeUnixAddress(address);
  using created = createUnixSocket();
  check(
    `bind a socket to ${JSON.stringify(address)}`,
    bind(created.number, bytes, bytes.length),
  );
  check(
    `listen on ${JSON.stringify(address)}`,
    listen(created.number, backlog),
  );
  return new OwnedFd(created.release());
}

/**
 * Accepts one connection.
 *
 * @returns its descriptor, non-blocking and the caller's; or the negative error
 * number (-EAGAIN: none waits; -EMFILE: too many open files, and it still
 * waits).
 */
export function acceptUnix(listener: number): number {
  const fd = accept4(listener, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC);
  return fd < 0 ? -lastErrno() : fd;
}

/** Two connected stream sockets, non-blocking. */
export function socketPair(): [OwnedFd, OwnedFd] {
  const pair = new Int32Array(2);
  check("make a pair of sockets", socketpair(AF_UNIX, STREAM, 0, pair));
  return [new OwnedFd(pair[0] ?? -1), new OwnedFd(pair[1] ?? -1)];
}

/** Ends the sending direction: the peer sees the end after what was sent. */
export function shutdownSending(fd: number): void {
  check(`shut down file descriptor ${fd}`, shutdown(fd, SHUT_WR));
}

/** Who connected, or who listens, at the other end. */
export function peerCredentials(fd: number): PeerCredentials {
  const credentials = new Int32Array(3); // struct ucred: i32 pid, u32 uid, u32 gid
  readOption(fd, SO_PEERCRED, credentials);
  return {
    pid: credentials[0] ?? 0,
    uid: (credentials[1] ?? 0) >>> 0,
    gid: (credentials[2] ?? 0) >>> 0,
  };
}

/**
 * What an inherited descriptor is: a unix stream socket that listens or one
 * that is connected, or something else.
 */
export function unixSocketKind(
  fd: number,
): "listening" | "connected" | "other" {
  try {
    if (
      integerOption(fd, SO_DOMAIN) !== AF_UNIX ||
      integerOption(fd, SO_TYPE) !== SOCK_STREAM
    ) return "other";
    return integerOption(fd, SO_ACCEPTCONN) === 0 ? "connected" : "listening";
  } catch (error) {
    if (error instanceof SyscallError) return "other";
    throw error;
  }
}

function integerOption(fd: number, option: number): number {
  const value = new Int32Array(1);
  readOption(fd, option, value);
  return value[0] ?? 0;
}

function readOption(
  fd: number,
  option: number,
  value: Int32Array<ArrayBuffer>,
): void {
  const length = new Uint32Array([value.byteLength]);
  check(
    `read an option of socket ${fd}`,
    getsockopt(fd, SOL_SOCKET, option, value, length),
  );
}
