/**
 * Bytes and file descriptors over unix sockets: recvmsg(2), sendmsg(2),
 * cmsg(3), unix(7).
 *
 * The hot path of the program: the structs are made once, here, and only their
 * words are changed, so a call allocates nothing. For the same reason the
 * caller asks afterwards what the last `receiveMessage` brought besides bytes.
 */

import { encodeRights, MAX_FDS, parseRights } from "./control_message.ts";
import { addressOf, pointerTo, writeAddress } from "./address.ts";
import { lastErrno } from "./error.ts";
import { libc } from "./libc.ts";
import type { PinnedBuffer } from "./pinned_buffer.ts";

const { recvmsg, sendmsg } = libc;

// <sys/socket.h>
const MSG_CTRUNC = 0x8;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;
const RECEIVE_FLAGS = MSG_DONTWAIT | MSG_CMSG_CLOEXEC;
/** A send does not wait, and a peer that is gone is an error and no signal. */
export const SEND_FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL;

// struct iovec, in 32-bit words
const IOV_BASE = 0; // u64
const IOV_LEN = 2; // u64
const IOV_WORDS = 4;

// struct msghdr, in 32-bit words (56 bytes)
const MSG_IOV = 4; // u64; 0: name and 2: namelen stay zero
const MSG_IOVLEN = 6; // u64
const MSG_CONTROL = 8; // u64
const MSG_CONTROLLEN = 10; // u64
const MSG_FLAGS = 12; // u32
const MSGHDR_WORDS = 14;

// room for all descriptors, and for the credentials and security label that
// come along on an inherited socket which asks for them
const CONTROL_BYTES = 2048;

class MessageHeader {
  readonly iov = new Uint32Array(IOV_WORDS);
  readonly control = new Int32Array(CONTROL_BYTES / 4);
  readonly words = new Uint32Array(MSGHDR_WORDS);
  readonly pointer = pointerTo(this.words);

  constructor() {
    writeAddress(this.words, MSG_IOV, addressOf(this.iov));
    this.words[MSG_IOVLEN] = 1;
    writeAddress(this.words, MSG_CONTROL, addressOf(this.control));
  }
}

const incoming = new MessageHeader();
const incomingIov = incoming.iov;
const incomingControl = incoming.control;
const incomingWords = incoming.words;
const incomingPointer = incoming.pointer;
const outgoing = new MessageHeader();
const outgoingIov = outgoing.iov;
const outgoingControl = outgoing.control;
const outgoingWords = outgoing.words;
const outgoingPointer = outgoing.pointer;

let fdCount = 0;
let control = false;
let truncated = false;

/**
 * Receives what is there, without waiting. Received descriptors are
 * close-on-exec and belong to the caller.
 *
 * @param offset where in `buffer` the bytes go.
 * @param length how many bytes at most.
 * @param fds gets the descriptors, from its start; has room for 253.
 * @returns the number of bytes; 0 when the peer has closed; or the negative
 * error number (-EAGAIN: nothing there now).
 */
export function receiveMessage(
  fd: number,
  buffer: PinnedBuffer,
  offset: number,
  length: number,
  fds: Int32Array,
): number {
  // also keeps a freed buffer from being written to: it has no bytes left
  if (offset < 0 || length <= 0 || offset + length > buffer.bytes.length) {
    throw new RangeError(outside(offset, length, buffer));
  }
  if (fds.length < MAX_FDS) {
    throw new RangeError(
      `Cannot receive: room for ${fds.length} descriptors only`,
    );
  }
  const address = buffer.address + offset;
  incomingIov[IOV_BASE] = address >>> 0;
  incomingIov[IOV_BASE + 1] = Math.floor(address / 0x1_0000_0000);
  incomingIov[IOV_LEN] = length;
  incomingWords[MSG_CONTROLLEN] = CONTROL_BYTES;
  fdCount = 0;
  control = false;
  truncated = false;
  const count = recvmsg(fd, incomingPointer, RECEIVE_FLAGS);
  if (count < 0) return -lastErrno();
  truncated = ((incomingWords[MSG_FLAGS] ?? 0) & MSG_CTRUNC) !== 0;
  const controlBytes = incomingWords[MSG_CONTROLLEN] ?? 0;
  if (controlBytes !== 0) {
    control = true;
    fdCount = parseRights(incomingControl, controlBytes, fds);
  }
  return count;
}

/** How many descriptors the last `receiveMessage` stored. */
export function receivedFdCount(): number {
  return fdCount;
}

/**
 * Whether anything came beside the bytes of the last `receiveMessage`:
 * descriptors, credentials. It ended with that then, and there may be more.
 */
export function receivedControl(): boolean {
  return control;
}

/**
 * Whether descriptors of the last `receiveMessage` were lost: this process has
 * too many open, or may not have them.
 */
export function receivedTruncated(): boolean {
  return truncated;
}

/**
 * Sends what the socket takes, without waiting and without SIGPIPE.
 *
 * All descriptors go with the first byte: when anything was sent they were;
 * they stay open here.
 *
 * @param fds descriptors `fdOffset` to `fdOffset + count` of it are sent, at
 * most 253.
 * @returns the number of bytes taken, or the negative error number (-EAGAIN:
 * full, -EPIPE: the peer has closed, -ETOOMANYREFS: too many descriptors are in
 * flight).
 */
export function sendMessage(
  fd: number,
  buffer: PinnedBuffer,
  offset: number,
  length: number,
  fds: Int32Array,
  fdOffset: number,
  count: number,
): number {
  if (offset < 0 || length <= 0 || offset + length > buffer.bytes.length) {
    throw new RangeError(outside(offset, length, buffer));
  }
  const address = buffer.address + offset;
  outgoingIov[IOV_BASE] = address >>> 0;
  outgoingIov[IOV_BASE + 1] = Math.floor(address / 0x1_0000_0000);
  outgoingIov[IOV_LEN] = length;
  if (count === 0) {
    outgoingWords[MSG_CONTROLLEN] = 0;
  } else {
    if (
      count < 0 || count > MAX_FDS || fdOffset < 0 ||
      fdOffset + count > fds.length
    ) {
      throw new RangeError(
        `Cannot send ${count} descriptors from ${fdOffset} of ${fds.length}: ${MAX_FDS} at most`,
      );
    }
    outgoingWords[MSG_CONTROLLEN] = encodeRights(
      outgoingControl,
      fds,
      fdOffset,
      count,
    );
  }
  const sent = sendmsg(fd, outgoingPointer, SEND_FLAGS);
  return sent < 0 ? -lastErrno() : sent;
}

function outside(offset: number, length: number, buffer: PinnedBuffer): string {
  return `Cannot use ${length} bytes at ${offset} of a buffer: it has ${buffer.bytes.length}`;
}
