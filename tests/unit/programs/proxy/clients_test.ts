/**
 * What becomes of clients that cannot be served, or cannot be told why they
 * have ended.
 */

import assert from "node:assert/strict";
import { EAGAIN } from "../../../../ffi/errno.ts";
import { closeFd, OwnedFd, readFd, writeFd } from "../../../../ffi/fd.ts";
import {
  acceptUnix,
  connectUnix,
  listenUnix,
  peerCredentials,
  socketPair,
} from "../../../../ffi/unix_socket.ts";
import { Clients } from "../../../../src/programs/proxy/clients.ts";
import type { Endpoint } from "../../../../src/host/endpoint.ts";
import { LocalSocket } from "../../../../src/host/local/socket.ts";
import { IdleHeap } from "../../../../src/programs/proxy/idle_heap.ts";
import { Loop } from "../../../../src/loop/loop.ts";
import { Policy } from "../../../../src/policy/policy.ts";
import { standardFeatures } from "../../../../src/relay/features/standard.ts";
import { relayFeatures } from "../../../../src/relay/relay.ts";
import { StartupError } from "../../../../src/sockets/startup_error.ts";
import { createPipe } from "../../../../ffi/pipe.ts";
import { plainLog } from "../../../support/plain_log.ts";
import { makeScratch } from "../../../support/scratch.ts";

/** Clients whose log goes into a pipe. */
class LoggedClients implements Disposable {
  readonly loop: Loop;
  readonly clients: Clients;
  ended = 0;
  readonly #resources = new DisposableStack();
  readonly #logReader: OwnedFd;

  constructor(connect: (loop: Loop) => Endpoint) {
    const { reader, writer } = createPipe();
    this.#logReader = this.#resources.use(reader);
    this.#resources.use(writer);
    const log = this.#resources.use(plainLog(writer));
    this.loop = this.#resources.use(new Loop());
    const memory = this.#resources.use(new IdleHeap(this.loop));
    this.clients = this.#resources.use(
      new Clients({
        log,
        relay: {
          loop: this.loop,
          policy: new Policy(),
          features: relayFeatures(standardFeatures({ tag: "" })),
          memory,
        },
        host: {
          clientLimit: 1,
          connect: () => connect(this.loop),
          [Symbol.dispose]: () => {},
        },
      }),
    );
  }

  /**
   * Connects a client, and returns its end of the connection and the proxy's.
   */
  connect(): { client: OwnedFd; proxy: number } {
    const [client, proxy] = socketPair();
    this.#resources.use(client);
    return { client, proxy: proxy.release() };
  }

  log(): string {
    const bytes = new Uint8Array(4096);
    return new TextDecoder().decode(
      bytes.subarray(0, Math.max(0, readFd(this.#logReader.number, bytes))),
    );
  }

  /** A client that has been turned away by now. @returns its end */
  turnedAway(): OwnedFd {
    const { client, proxy } = this.connect();
    this.serve(proxy);
    assert.equal(this.ended, 1);
    return client;
  }

  serve(proxy: number): void {
    this.clients.connect(proxy, peerCredentials(proxy), () => this.ended++);
  }

  [Symbol.dispose](): void {
    this.#resources.dispose();
  }
}

/** A message to an object that is not there. */
const nonsense = new Uint8Array(new Uint32Array([77, 8 << 16]).buffer);

Deno.test("a client is turned away, with the reason for it and in the log, where the host's address makes no sense", () => {
  using world = new LoggedClients(() => {
    throw new StartupError("no host");
  });
  const client = world.turnedAway();
  const bytes = new Uint8Array(256);
  const length = readFd(client.number, bytes);
  const words = new Uint32Array(bytes.buffer);
  // wl_display@1.error(wl_display@1, implementation, …)
  assert.deepEqual([...words.subarray(0, 4)], [1, length << 16, 1, 3]);
  assert.match(
    new TextDecoder().decode(bytes.subarray(0, length)),
    /the host cannot be reached: no host\0/,
  );
  assert.equal(readFd(client.number, bytes), 0);
  assert.match(world.log(), /turned away, the host cannot be reached: no host/);
});

Deno.test("what nobody has foreseen ends the client that it befell, with where it happened in the log", () => {
  using world = new LoggedClients(() => {
    throw new TypeError("a defect");
  });
  const client = world.turnedAway();
  const bytes = new Uint8Array(256);
  const text = new TextDecoder().decode(
    bytes.subarray(0, readFd(client.number, bytes)),
  );
  assert.match(text, /the proxy failed: a defect\0/);
  const log = world.log();
  assert.match(
    log,
    /internal error: TypeError: a defect\n.*proxy\/clients_test/,
  );
  assert.match(log, /turned away, the proxy failed: a defect/);
});

Deno.test("a connection to the host that cannot be used is closed", () => {
  const [host, theirs] = socketPair();
  using _host = host;
  using world = new LoggedClients((loop) => {
    const socket = new LocalSocket(loop, theirs);
    Object.defineProperty(socket, "carrier", {
      get: () => {
        throw new TypeError("a defect");
      },
    });
    return socket;
  });
  const client = world.turnedAway();
  const bytes = new Uint8Array(256);
  assert.equal(readFd(host.number, bytes), 0);
  assert.ok(readFd(client.number, bytes) > 0);
  assert.equal(readFd(client.number, bytes), 0);
});

Deno.test("an inherited connection to the host is used, and not waited for", () => {
  const [host, theirs] = socketPair();
  using _host = host;
  using world = new LoggedClients((loop) => new LocalSocket(loop, theirs));
  world.serve(world.connect().proxy);
  world.loop.turn(0);
  // wl_display.get_registry and wl_display.sync
  assert.equal(readFd(host.number, new Uint8Array(64)), 24);
  assert.equal(world.ended, 0);
});

Deno.test("a client that has ended and reads nothing does not keep the proxy from ending", () => {
  using scratch = makeScratch("clients");
  const path = `${scratch.path}/host`;
  using listener = listenUnix(path, 1);
  {
    using world = new LoggedClients((loop) =>
      new LocalSocket(loop, connectUnix(path))
    );
    const { client, proxy } = world.connect();
    while (writeFd(proxy, new Uint8Array(4096)) !== -EAGAIN);
    world.serve(proxy);
    closeFd(acceptUnix(listener.number));
    writeFd(client.number, nonsense);
    while (world.ended === 0) world.loop.turn(-1);
    assert.ok(world.loop.watchCount > 0, "the last words were sent after all");
  }
});
