import assert from "node:assert/strict";
import { ENOSPC } from "../../../../ffi/errno.ts";
import { SyscallError } from "../../../../ffi/error.ts";
import { closeFd, OwnedFd, statusFlags } from "../../../../ffi/fd.ts";
import { createMemfd } from "../../../../ffi/memfd.ts";
import { createPipe } from "../../../../ffi/pipe.ts";
import { shutdownSending, socketPair } from "../../../../ffi/unix_socket.ts";
import {
  FDS_PER_SEND,
  LocalSocket,
} from "../../../../src/host/local/socket.ts";
import type { Watch } from "../../../../src/loop/loop.ts";
import { BUFFER_SIZE } from "../../../../src/wayland/buffer_pool.ts";
import { openFdCount } from "../../../support/descriptors.ts";
import { ManualLoop } from "../../../support/manual_loop.ts";
import { ScriptedHost } from "../../../support/scripted_host.ts";

/** A socket in a loop, what it reports, and its other end. */
class Pair implements Disposable {
  readonly loop: ManualLoop;
  readonly socket: LocalSocket;
  readonly peer: ScriptedHost;
  readonly peerFd: number;
  readonly ownFd: number;
  readonly ends: (string | null)[] = [];
  received = 0;
  sent = 0;

  constructor(loop = new ManualLoop()) {
    this.loop = loop;
    const [ours, theirs] = socketPair();
    this.peerFd = theirs.number;
    this.ownFd = ours.number;
    this.peer = new ScriptedHost(theirs);
    this.socket = new LocalSocket(this.loop, ours);
  }

  static attached(): Pair {
    const pair = new Pair();
    pair.attach();
    return pair;
  }

  attach(): void {
    this.socket.attach({
      received: () => this.received++,
      sent: () => this.sent++,
      ended: (reason) => this.ends.push(reason),
    });
  }

  turn(): number {
    let turns = 0;
    while (this.loop.turn(0) > 0) {
      assert.ok(++turns < 10_000, "the loop never rests");
    }
    return turns;
  }

  /** Queues bytes, as messages of eight. */
  queue(count: number): void {
    const { outgoing } = this.socket;
    outgoing.reserve(count);
    const { words } = outgoing;
    for (let at = 0; at < count; at += 8) {
      words[outgoing.tail >> 2] = 1;
      words[(outgoing.tail >> 2) + 1] = 8 << 16;
      outgoing.tail += 8;
    }
    this.socket.touch();
  }

  [Symbol.dispose](): void {
    this.socket[Symbol.dispose]();
    this.peer[Symbol.dispose]();
    this.turn();
    this.loop[Symbol.dispose]();
  }
}

Deno.test("nothing is read before somebody wants to hear of it", () => {
  using pair = new Pair();
  pair.peer.bytes(new Uint8Array(8));
  pair.turn();
  assert.equal(pair.socket.incoming.length, 0);
  pair.attach();
  pair.turn();
  assert.equal(pair.socket.incoming.length, 8);
  assert.equal(pair.received, 1);
});

Deno.test("what is queued goes out at the end of the turn, in one send", () => {
  using pair = Pair.attached();
  pair.queue(8);
  pair.queue(16);
  pair.turn();
  assert.equal(pair.socket.sends, 1);
  assert.equal(pair.sent, 1);
  assert.equal(pair.socket.outgoing.position, 24);
});

Deno.test("what the peer does not take waits, without keeping the loop busy, until it does", () => {
  using pair = Pair.attached();
  pair.queue(1 << 20);
  pair.turn();
  const left = pair.socket.outgoing.length;
  assert.ok(left > 0 && left < 1 << 20);
  assert.equal(pair.turn(), 0);
  let taken = 0;
  for (let round = 0; round < 100 && pair.socket.outgoing.length > 0; round++) {
    pair.peer.listen();
    taken = pair.socket.outgoing.position;
    pair.turn();
  }
  assert.equal(pair.socket.outgoing.length, 0);
  assert.ok(taken > 0);
});

Deno.test("descriptors go 28 at a time, and are closed here when they have gone", () => {
  const before = openFdCount();
  {
    using pair = new Pair();
    const { outgoing } = pair.socket;
    for (let i = 0; i < 2 * FDS_PER_SEND + 1; i++) {
      outgoing.pushFd(createMemfd("socket", 0).release(), "shm");
      pair.queue(8);
    }
    pair.turn();
    pair.peer.listen();
    assert.deepEqual(pair.peer.fdBatches, [28, 28, 1]);
    assert.equal(outgoing.fdCount, 0);
    pair.peer.receivedFds.splice(0).forEach(closeFd);
  }
  assert.equal(openFdCount(), before);
});

Deno.test("a paused socket reads nothing, and all of it when it is resumed", () => {
  using pair = Pair.attached();
  pair.socket.pause();
  pair.peer.bytes(new Uint8Array(8));
  assert.equal(pair.turn(), 0);
  pair.socket.pause();
  pair.socket.resume();
  pair.socket.resume();
  pair.turn();
  assert.equal(pair.socket.incoming.length, 8);
});

Deno.test("what is behind descriptors, and what is more than one receive takes, is read without anything new coming", () => {
  using pair = Pair.attached();
  const behind = 1024;
  for (let i = 0; i < 3; i++) {
    const file = createMemfd("socket", 0).release();
    pair.peer.bytes(new Uint8Array(8), [file]);
    pair.peer.bytes(new Uint8Array(behind));
  }
  pair.turn();
  assert.equal(pair.socket.incoming.length, 3 * (8 + behind));
  assert.equal(pair.socket.incoming.fdCount, 3);
  pair.peer.bytes(new Uint8Array(2 * BUFFER_SIZE));
  pair.turn();
  assert.equal(
    pair.socket.incoming.length,
    3 * (8 + behind) + 2 * BUFFER_SIZE,
  );
});

Deno.test("the peer's end is told after its last bytes", () => {
  using pair = Pair.attached();
  pair.peer.bytes(new Uint8Array(8));
  pair.peer[Symbol.dispose]();
  pair.turn();
  assert.equal(pair.received, 1);
  assert.deepEqual(pair.ends, [null]);
});

Deno.test("a peer that leaves something unread behind has simply closed the connection", () => {
  using pair = Pair.attached();
  pair.queue(8);
  pair.turn();
  pair.peer[Symbol.dispose]();
  pair.turn();
  assert.deepEqual(pair.ends, [null]);
});

Deno.test("a peer that closes only its sending end is gone", () => {
  using pair = Pair.attached();
  shutdownSending(pair.peerFd);
  pair.turn();
  assert.deepEqual(pair.ends, [null]);
});

Deno.test("a peer that leaves while the socket is paused does not keep the loop busy, and is noticed later", () => {
  using pair = Pair.attached();
  pair.socket.pause();
  pair.peer.bytes(new Uint8Array(8));
  pair.peer[Symbol.dispose]();
  pair.turn();
  assert.deepEqual(pair.ends, []);
  assert.equal(pair.turn(), 0);
  pair.socket.resume();
  pair.turn();
  assert.equal(pair.received, 1);
  assert.deepEqual(pair.ends, [null]);
});

Deno.test("a send to a peer that is gone loses what it had said before in no case", () => {
  using pair = Pair.attached();
  pair.peer.bytes(new Uint8Array(8));
  pair.peer[Symbol.dispose]();
  pair.queue(8);
  pair.turn();
  assert.equal(pair.received, 1);
  assert.equal(pair.ends.length, 1);
  assert.equal(pair.socket.outgoing.length, 0);
});

Deno.test("a send that fails for another reason than the peer's end is told with its error", () => {
  using loop = new ManualLoop();
  const { reader, writer } = createPipe();
  // No socket at all, so that sending fails.
  using socket = new LocalSocket(loop, writer);
  const ends: (string | null)[] = [];
  socket.attach({
    received: () => {},
    sent: () => {},
    ended: (reason) => ends.push(reason),
  });
  socket.outgoing.reserve(8);
  socket.outgoing.tail += 8;
  socket.touch();
  loop.turn(0);
  assert.deepEqual(ends, ["sendmsg failed: ENOTSOCK"]);
  reader[Symbol.dispose]();
});

Deno.test("a finished socket sends what is queued and closes at once where it can", () => {
  using pair = Pair.attached();
  pair.queue(8);
  pair.socket.finish(1_000);
  assert.equal(pair.loop.watchCount, 0);
  assert.equal(pair.loop.timerCount, 0);
  pair.peer.listen();
  assert.ok(pair.peer.closed);
  assert.deepEqual(pair.ends, []);
});

Deno.test("a finished socket waits for a slow peer, but not forever", () => {
  using pair = Pair.attached();
  pair.queue(1 << 20);
  pair.socket.finish(1_000);
  pair.turn();
  assert.equal(pair.loop.watchCount, 1);
  pair.loop.pass(999, () => pair.turn());
  assert.equal(pair.loop.watchCount, 1);
  pair.loop.pass(1, () => pair.turn());
  assert.equal(pair.loop.watchCount, 0);
});

Deno.test("a finished socket reads nothing, even when it is resumed", () => {
  using pair = Pair.attached();
  pair.queue(1 << 20);
  pair.socket.finish(5_000);
  pair.socket.resume();
  pair.peer.bytes(new Uint8Array(4096));
  pair.turn();
  assert.equal(pair.socket.incoming.length, 0);
});

Deno.test("a finished socket closes when the peer has taken the last byte, or has gone", () => {
  for (const leaves of [false, true]) {
    using pair = Pair.attached();
    pair.queue(1 << 20);
    pair.socket.finish(1_000);
    if (leaves) pair.peer[Symbol.dispose]();
    for (let round = 0; round < 100 && pair.loop.watchCount > 0; round++) {
      if (!leaves) pair.peer.listen();
      pair.turn();
    }
    assert.equal(pair.loop.watchCount, 0);
    assert.equal(pair.loop.timerCount, 0);
  }
});

Deno.test("a disposed socket closes its descriptors, those that wait in it included, and is quiet", () => {
  const before = openFdCount();
  const pair = Pair.attached();
  pair.peer.bytes(new Uint8Array(4), [createMemfd("socket", 0).release()]);
  pair.turn();
  pair.socket.outgoing.pushFd(createMemfd("socket", 0).release(), "shm");
  pair.queue(8);
  pair.socket[Symbol.dispose]();
  pair.socket[Symbol.dispose]();
  pair.socket.touch();
  pair.socket.finish(1_000);
  pair.turn();
  assert.deepEqual(pair.ends, []);
  pair[Symbol.dispose]();
  assert.equal(openFdCount(), before);
});

Deno.test("a socket carries every descriptor as it is", () => {
  using pair = new Pair();
  using file = new OwnedFd(createMemfd("socket", 0).release());
  assert.equal(pair.socket.carrier.carries("dmabuf", "event"), "as-is");
  assert.equal(pair.socket.peek(file.number), file.number);
  assert.equal(pair.socket.open(file.number), file.number);
});

/**
 * A loop of a user who may not watch any more (fs.epoll.max_user_watches), or
 * of a kernel without memory.
 */
class FullLoop extends ManualLoop {
  override watch(): Watch {
    throw new SyscallError("watch file descriptor", ENOSPC);
  }
}

Deno.test("last words that the peer has no room for are dropped where the socket cannot be watched", () => {
  using pair = new Pair(new FullLoop());
  pair.queue(4_000_000);
  pair.socket.finish(1000);
  assert.throws(() => statusFlags(pair.ownFd), /EBADF/);
  assert.equal(pair.loop.timerCount, 0);
});

Deno.test("a socket that cannot be watched for room ends, and no other", () => {
  using pair = new Pair(new FullLoop());
  assert.throws(() => pair.attach(), SyscallError);
  pair.queue(4_000_000);
  pair.turn();
  assert.match(pair.ends.join(), /^Cannot watch file descriptor: .*ENOSPC/);
});
