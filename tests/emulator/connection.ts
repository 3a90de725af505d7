/**
 * The host's connection to the compositor: one recvmsg or sendmsg at a time, as
 * the host makes them.
 */
import { closeFd, duplicateFd, type OwnedFd } from "../../ffi/fd.ts";
import { EAGAIN, errnoName } from "../../ffi/errno.ts";
import { PinnedBuffer } from "../../ffi/pinned_buffer.ts";
import {
  receivedFdCount,
  receiveMessage,
  sendMessage,
} from "../../ffi/socket_message.ts";
import { HostError } from "./host_error.ts";

/** More than the longest command. */
const SIZE = 1 << 16;

const buffer = new PinnedBuffer(SIZE);
const descriptors = new Int32Array(256);

/** What one recvmsg brought. */
export interface Message {
  readonly data: Uint8Array;
  /** Ours to close. */
  readonly fds: readonly number[];
}

export class Connection implements Disposable {
  readonly #fd: OwnedFd;

  /** Takes a non-blocking socket. */
  constructor(fd: OwnedFd) {
    this.#fd = fd;
  }

  /** The socket, borrowed. */
  get fd(): number {
    return this.#fd.number;
  }

  /**
   * Receives once; null where nothing is there.
   *
   * @param room descriptors that the host's buffer takes; the kernel drops the
   * others
   */
  receive(limit: number, room: number): Message | null {
    const count = receiveMessage(this.fd, buffer, 0, limit, descriptors);
    if (count === -EAGAIN) return null;
    if (count < 0) throw new HostError(`recvmsg: ${errnoName(-count)}`);
    const fds = Array.from(descriptors.subarray(0, receivedFdCount()));
    for (const fd of fds.splice(room)) closeFd(fd);
    return { data: buffer.bytes.slice(0, count), fds };
  }

  /**
   * Sends all of it; yields while the socket is full. Takes the descriptors.
   */
  *send(data: Uint8Array, fds: readonly OwnedFd[]): Generator<number, void> {
    using owned = new DisposableStack();
    for (const fd of fds) owned.use(fd);
    const numbers = Int32Array.from(fds, (fd) => fd.number);
    for (let sent = 0; sent < data.length;) {
      buffer.bytes.set(data.subarray(sent));
      const count = sendMessage(
        this.fd,
        buffer,
        0,
        data.length - sent,
        numbers,
        0,
        sent === 0 ? numbers.length : 0,
      );
      if (count === -EAGAIN) yield this.fd;
      else if (count < 0) throw new HostError(`sendmsg: ${errnoName(-count)}`);
      else sent += count;
    }
  }

  [Symbol.dispose](): void {
    this.#fd[Symbol.dispose]();
  }
}

/** A duplicate that the host keeps or sends. */
export function duplicate(fd: OwnedFd): OwnedFd {
  return duplicateFd(fd.number);
}
