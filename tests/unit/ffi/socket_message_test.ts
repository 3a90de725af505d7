/** Bytes and descriptors over a socket: what arrives, and what is refused. */

import assert from "node:assert/strict";
import { EAGAIN, EBADF, EPIPE } from "../../../ffi/errno.ts";
import {
  closeFd,
  O_RDONLY,
  openFile,
  OwnedFd,
  statusFlags,
} from "../../../ffi/fd.ts";
import { PinnedBuffer } from "../../../ffi/pinned_buffer.ts";
import {
  receivedFdCount,
  receivedTruncated,
  receiveMessage,
  sendMessage,
} from "../../../ffi/socket_message.ts";
import { socketPair } from "../../../ffi/unix_socket.ts";
import { withFreeDescriptors } from "../../support/free_descriptors.ts";

const noFds = new Int32Array(0);

class Ends implements Disposable {
  readonly #undo = new DisposableStack();
  readonly a: number;
  readonly b: number;
  readonly sent = new PinnedBuffer(4096);
  readonly received = new PinnedBuffer(8192);
  readonly fds = new Int32Array(300);

  constructor() {
    const [a, b] = socketPair();
    this.a = this.#undo.use(a).number;
    this.b = this.#undo.use(b).number;
  }

  [Symbol.dispose](): void {
    this.#undo[Symbol.dispose]();
  }
}

/** The same file has the same inode. */
function inode(fd: number): string {
  return Deno.readLinkSync(`/proc/self/fd/${fd}`);
}

Deno.test("bytes go from and to any offset of a buffer", () => {
  using ends = new Ends();
  ends.sent.bytes.set([1, 2, 3, 4, 5, 6], 100);
  assert.equal(sendMessage(ends.a, ends.sent, 101, 4, noFds, 0, 0), 4);
  assert.equal(receiveMessage(ends.b, ends.received, 8000, 192, ends.fds), 4);
  assert.equal(receivedFdCount(), 0);
  assert.equal(receivedTruncated(), false);
  assert.deepEqual([...ends.received.bytes.subarray(7999, 8006)], [
    0,
    2,
    3,
    4,
    5,
    0,
    0,
  ]);
});

Deno.test("a receive takes no more bytes than it has room for", () => {
  using ends = new Ends();
  assert.equal(sendMessage(ends.a, ends.sent, 0, 10, noFds, 0, 0), 10);
  assert.equal(receiveMessage(ends.b, ends.received, 0, 7, ends.fds), 7);
  assert.equal(receiveMessage(ends.b, ends.received, 0, 7, ends.fds), 3);
});

Deno.test("descriptors arrive with their bytes, close-on-exec, and are not those of the next message", () => {
  using ends = new Ends();
  const fds = new Int32Array([-1, ends.a, ends.b]);
  assert.equal(sendMessage(ends.a, ends.sent, 0, 8, fds, 1, 2), 8);
  assert.equal(sendMessage(ends.a, ends.sent, 0, 8, noFds, 0, 0), 8);
  assert.equal(receiveMessage(ends.b, ends.received, 0, 8, ends.fds), 8);
  assert.equal(receivedFdCount(), 2);
  using first = new OwnedFd(ends.fds[0] ?? -1);
  using second = new OwnedFd(ends.fds[1] ?? -1);
  assert.equal(inode(first.number), inode(ends.a));
  assert.equal(inode(second.number), inode(ends.b));
  const flags = Deno.readTextFileSync(`/proc/self/fdinfo/${first.number}`);
  assert.match(flags, /^flags:\s*02/m); // O_CLOEXEC is 02000000
  assert.equal(receiveMessage(ends.b, ends.received, 0, 8, ends.fds), 8);
  assert.equal(receivedFdCount(), 0);
});

Deno.test("a message carries 253 descriptors, in order", () => {
  using ends = new Ends();
  using zero = openFile("/dev/zero", O_RDONLY);
  const fds = new Int32Array(253).fill(zero.number);
  fds[252] = ends.b;
  assert.equal(sendMessage(ends.a, ends.sent, 0, 4, fds, 0, 253), 4);
  assert.equal(receiveMessage(ends.b, ends.received, 0, 4, ends.fds), 4);
  assert.equal(receivedFdCount(), 253);
  assert.equal(receivedTruncated(), false);
  assert.equal(inode(ends.fds[251] ?? -1), "/dev/zero");
  assert.equal(inode(ends.fds[252] ?? -1), inode(ends.b));
  for (const fd of ends.fds.subarray(0, 253)) closeFd(fd);
});

Deno.test("a message with 254 descriptors is refused before it is sent", () => {
  using ends = new Ends();
  const fds = new Int32Array(254).fill(ends.a);
  assert.throws(
    () => sendMessage(ends.a, ends.sent, 0, 4, fds, 0, 254),
    RangeError,
  );
  assert.equal(receiveMessage(ends.b, ends.received, 0, 4, ends.fds), -EAGAIN);
});

Deno.test("descriptors that are lost for want of room are reported, and those that came are usable", () => {
  using ends = new Ends();
  const fds = new Int32Array(10).fill(ends.a);
  assert.equal(sendMessage(ends.a, ends.sent, 0, 4, fds, 0, 10), 4);
  withFreeDescriptors(3, () => {
    assert.equal(receiveMessage(ends.b, ends.received, 0, 4, ends.fds), 4);
  });
  assert.equal(receivedTruncated(), true);
  assert.equal(receivedFdCount(), 3);
  for (const fd of ends.fds.subarray(0, 3)) closeFd(fd);
});

Deno.test("nothing to receive, a full socket, the end, and a closed peer each have their own answer", () => {
  using ends = new Ends();
  assert.equal(receiveMessage(ends.b, ends.received, 0, 4, ends.fds), -EAGAIN);
  let total = 0;
  let count = 0;
  while ((count = sendMessage(ends.a, ends.sent, 0, 4096, noFds, 0, 0)) > 0) {
    total += count;
  }
  assert.equal(count, -EAGAIN);
  assert.ok(total > 4096);

  const [a, b] = socketPair();
  b[Symbol.dispose]();
  assert.equal(receiveMessage(a.number, ends.received, 0, 4, ends.fds), 0);
  // SIGPIPE would end the process here
  assert.equal(sendMessage(a.number, ends.sent, 0, 4, noFds, 0, 0), -EPIPE);
  const number = a.number;
  a[Symbol.dispose]();
  assert.equal(receiveMessage(number, ends.received, 0, 4, ends.fds), -EBADF);
});

Deno.test("what lies outside of a buffer is refused, and a freed buffer has nothing inside", () => {
  using ends = new Ends();
  const { a, sent, received, fds } = ends;
  assert.throws(() => sendMessage(a, sent, 4095, 2, noFds, 0, 0), RangeError);
  assert.throws(() => sendMessage(a, sent, -1, 2, noFds, 0, 0), RangeError);
  assert.throws(() => sendMessage(a, sent, 0, 0, noFds, 0, 0), RangeError);
  assert.throws(() => sendMessage(a, sent, 0, 2, fds, 299, 2), RangeError);
  assert.throws(() => receiveMessage(a, received, 8191, 2, fds), RangeError);
  assert.throws(
    () => receiveMessage(a, received, 0, 2, new Int32Array(252)),
    RangeError,
  );
  sent.free();
  sent.free();
  assert.equal(sent.bytes.length, 0);
  assert.equal(sent.words.length, 0);
  assert.throws(() => sendMessage(a, sent, 0, 1, noFds, 0, 0), RangeError);
});

Deno.test("the words of a buffer are its bytes", () => {
  const buffer = new PinnedBuffer(4096);
  buffer.bytes.set([1, 2, 3, 4], 4);
  assert.equal(buffer.words[1], 0x04030201);
  assert.throws(() => new PinnedBuffer(4095), RangeError);
  buffer.free();
});

Deno.test("sockets of a pair do not wait", () => {
  using ends = new Ends();
  assert.equal(statusFlags(ends.a) & 0o4000, 0o4000);
});
