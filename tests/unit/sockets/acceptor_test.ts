/** Accepting connections, also when no more can be accepted. */

import assert from "node:assert/strict";
import { closeFd, type OwnedFd } from "../../../ffi/fd.ts";
import { EPERM } from "../../../ffi/errno.ts";
import {
  acceptUnix,
  connectUnix,
  listenUnix,
} from "../../../ffi/unix_socket.ts";
import { Loop } from "../../../src/loop/loop.ts";
import { Acceptor } from "../../../src/sockets/acceptor.ts";
import { withFreeDescriptors } from "../../support/free_descriptors.ts";
import { makeScratch } from "../../support/scratch.ts";

/** An acceptor on a socket of its own, and what it has reported. */
class WatchedAcceptor implements Disposable {
  readonly loop: Loop;
  readonly acceptor: Acceptor;
  readonly accepted: { fd: number; pid: number }[] = [];
  readonly pauses: string[] = [];
  readonly #path: string;
  readonly #resources: DisposableStack;

  constructor(clientLimit: number, accept = acceptUnix) {
    using resources = new DisposableStack();
    this.#path = `${resources.use(makeScratch("acceptor")).path}/socket`;
    this.loop = resources.use(new Loop());
    const listener = resources.use(listenUnix(this.#path, 64));
    this.acceptor = resources.use(
      new Acceptor({
        loop: this.loop,
        listener: listener.number,
        clientLimit,
        onConnection: (fd, { pid }) => this.accepted.push({ fd, pid }),
        onPause: (reason) => this.pauses.push(reason),
        accept,
      }),
    );
    resources.defer(() => this.accepted.forEach(({ fd }) => closeFd(fd)));
    this.#resources = resources.move();
  }

  connect(count: number): OwnedFd[] {
    return Array.from(
      { length: count },
      () => this.#resources.use(connectUnix(this.#path)),
    );
  }

  endFirst(): void {
    const first = this.accepted.shift();
    if (first !== undefined) closeFd(first.fd);
    this.acceptor.connectionEnded();
  }

  [Symbol.dispose](): void {
    this.#resources.dispose();
  }
}

Deno.test("a client is handed out with the process that connected", () => {
  using world = new WatchedAcceptor(10);
  world.connect(1);
  world.loop.turn(0);
  assert.deepEqual(world.accepted.map(({ pid }) => pid), [Deno.pid]);
  assert.equal(world.acceptor.clientCount, 1);
});

Deno.test("a rush of clients is spread over several turns", () => {
  using world = new WatchedAcceptor(100);
  world.connect(40);
  world.loop.turn(0);
  assert.equal(world.accepted.length, 16);
  world.loop.turn(0);
  world.loop.turn(0);
  assert.equal(world.accepted.length, 40);
  assert.equal(world.loop.turn(0), 0);
});

Deno.test("a connection that was closed before it was accepted is no harm", () => {
  using world = new WatchedAcceptor(10);
  world.connect(2)[0]?.[Symbol.dispose]();
  world.loop.turn(0);
  assert.equal(world.accepted.length, 2);
});

Deno.test("at the limit clients wait, without keeping the processor busy, until one ends", () => {
  using world = new WatchedAcceptor(2);
  world.connect(4);
  world.loop.turn(0);
  assert.equal(world.accepted.length, 2);
  assert.deepEqual(world.pauses, [
    "2 clients are connected, which is the limit",
  ]);
  assert.equal(world.loop.turn(0), 0);
  world.endFirst();
  world.loop.turn(0);
  assert.equal(world.accepted.length, 2);
  assert.equal(world.acceptor.clientCount, 2);
  assert.equal(
    world.pauses.length,
    1,
    "it is told once, and not for each client",
  );
  assert.equal(world.loop.turn(0), 0);
});

Deno.test("without free descriptors clients wait, without keeping the processor busy, until one ends", () => {
  using world = new WatchedAcceptor(10);
  world.connect(1);
  world.loop.turn(0);
  world.connect(1);
  withFreeDescriptors(0, () => {
    world.loop.turn(0);
    assert.equal(world.accepted.length, 1);
    assert.deepEqual(world.pauses, ["Too many open files"]);
    assert.equal(world.loop.turn(0), 0);
  });
  world.endFirst();
  world.loop.turn(0);
  assert.equal(world.accepted.length, 1);
});

Deno.test("without free descriptors accepting is tried again after a while", () => {
  using world = new WatchedAcceptor(10);
  world.connect(1);
  withFreeDescriptors(0, () => world.loop.turn(0));
  assert.equal(world.accepted.length, 0);
  while (world.accepted.length === 0) world.loop.turn(-1);
});

Deno.test("where accepting is forbidden, those that are connected stay, and it is tried again after a while", () => {
  let forbidden = true;
  using world = new WatchedAcceptor(
    10,
    (listener) => forbidden ? -EPERM : acceptUnix(listener),
  );
  world.connect(1);
  world.loop.turn(0);
  assert.deepEqual(world.pauses, ["Operation not permitted"]);
  assert.equal(world.loop.turn(0), 0);
  forbidden = false;
  while (world.accepted.length === 0) world.loop.turn(-1);
});
