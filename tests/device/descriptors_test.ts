/**
 * A proxy that has run out of file descriptors, however many are left of what
 * something needs: what it cannot do ends the client that it is for, at the
 * most, and when descriptors are free again new clients are served.
 */
import assert from "node:assert/strict";
import { type OwnedFd, readFdAt } from "../../ffi/fd.ts";
import { createMemfd } from "../../ffi/memfd.ts";
import { peerCredentials, socketPair } from "../../ffi/unix_socket.ts";
import { Clients } from "../../src/programs/proxy/clients.ts";
import { VirtgpuHost } from "../../src/host/virtgpu/host.ts";
import { Policy } from "../../src/policy/policy.ts";
import { standardFeatures } from "../../src/relay/features/standard.ts";
import { relayFeatures } from "../../src/relay/relay.ts";
import { findNode, kernelSystem } from "../../src/virtgpu/find/find_device.ts";
import { EmulatedDevice } from "../emulator/emulated_device.ts";
import { ScriptedClient } from "../support/scripted_client.ts";
import type { ScriptedHost } from "../support/scripted_host.ts";
import { withFreeDescriptors } from "../support/free_descriptors.ts";
import { plainLog } from "../support/plain_log.ts";
import { makeScratch } from "../support/scratch.ts";
import { memoryFile } from "../support/descriptors.ts";
import { type DeviceClient, DeviceWorld } from "./support/device_world.ts";
import { ScriptedMachine } from "./support/scripted_machine.ts";
import { Selections } from "./support/selections.ts";
import { Windows } from "./support/windows.ts";

/** More than any step here needs, those of the emulated host included. */
const ENOUGH = 12;

/**
 * The proxy's clients, whose device is found as the kernel's are: by looking
 * into a directory, which takes a descriptor.
 */
class ProxyWorld extends ScriptedMachine {
  readonly clients: Clients;
  readonly #resources = new DisposableStack();
  readonly #log: OwnedFd;
  ended = 0;

  constructor() {
    super({ guestHandles: "taken" });
    const { machine } = this;
    const file = this.#log = this.#resources.use(createMemfd("log", 0));
    const log = this.#resources.use(plainLog(file));
    const nodes = this.#resources.use(makeScratch("nodes")).path;
    Deno.writeTextFileSync(`${nodes}/renderD128`, "");
    const open = (): EmulatedDevice => new EmulatedDevice(machine);
    const host = this.#resources.use(
      new VirtgpuHost(this.loop, {
        find: () => findNode({ ...kernelSystem(nodes), open }),
        open,
      }),
    );
    this.clients = this.#resources.use(
      new Clients({
        log,
        relay: {
          loop: this.loop,
          policy: new Policy(),
          features: relayFeatures(standardFeatures({ tag: "" })),
          memory: { burst: () => {} },
        },
        host: {
          clientLimit: Infinity,
          connect: () => host.connect(),
          [Symbol.dispose]: () => {},
        },
      }),
    );
  }

  /** A client that has connected, and what the proxy accepted. */
  knock(): { client: ScriptedClient; accepted: OwnedFd } {
    const [client, accepted] = socketPair();
    return {
      client: this.#resources.use(new ScriptedClient(client)),
      accepted,
    };
  }

  /** @returns the compositor's end of its connection, where there is one */
  serve(accepted: OwnedFd): ScriptedHost | undefined {
    const fd = accepted.release();
    const before = this.peers.length;
    this.clients.connect(fd, peerCredentials(fd), () => this.ended++);
    this.#settleAll();
    return this.peers[before];
  }

  /**
   * Lets the compositor greet.
   *
   * @returns whether the client then has its registry
   */
  greet(client: ScriptedClient, host: ScriptedHost | undefined): boolean {
    this.#settleAll();
    if (host === undefined || host.closed) return false;
    host.announce(1, "wl_compositor", 6);
    host.answer(3);
    client.say(1, "wl_display.get_registry", { registry: 2 });
    this.#settleAll();
    return client.heard().join().includes("wl_compositor");
  }

  /**
   * Has a client come that can have `free` descriptors at most: it is served,
   * or told that they have run out.
   */
  refuseOrServe(free: number): void {
    const { client, accepted } = this.knock();
    withFreeDescriptors(free, () => {
      const before = this.ended;
      this.serve(accepted);
      const isServed = this.ended === before;
      assert.ok(isServed || free < ENOUGH, this.log());
      if (isServed) return;
      assert.match(
        client.heard().join(),
        /wl_display@1\.error\(.*the host cannot be reached: .*(EMFILE|Too many open files)/,
      );
    });
  }

  log(): string {
    const bytes = new Uint8Array(65536);
    return new TextDecoder().decode(
      bytes.subarray(0, readFdAt(this.#log.number, bytes, 0)),
    );
  }

  #settleAll(): void {
    do {
      for (const peer of this.peers) if (!peer.closed) peer.listen();
    } while (this.loop.turn(0) > 0);
  }

  override [Symbol.dispose](): void {
    this.#resources.dispose();
    super[Symbol.dispose]();
  }
}

/** Whether a client's question is answered. */
function isAlive(
  world: { settle(): void },
  client: ScriptedClient,
  host: ScriptedHost | undefined,
  id: number,
): boolean {
  client.say(1, "wl_display.sync", { callback: id });
  world.settle();
  host?.answerSyncs(host.heard());
  world.settle();
  return client.heard().join().includes(`wl_callback@${id}.done`);
}

for (let free = 0; free <= ENOUGH; free++) {
  Deno.test(`with ${free} free descriptors the first client is served or told why not, and the next one served`, () => {
    using world = new ProxyWorld();
    world.refuseOrServe(free);
    const { client, accepted } = world.knock();
    assert.ok(world.greet(client, world.serve(accepted)), world.log());
  });

  Deno.test(`with ${free} free descriptors a new client is served or told why not, and the others live`, () => {
    using world = new ProxyWorld();
    const { client, accepted } = world.knock();
    const host = world.serve(accepted);
    assert.ok(world.greet(client, host));
    host?.heard();
    world.refuseOrServe(free);
    const { ended } = world;
    assert.ok(isAlive(world, client, host, 3), world.log());
    const late = world.knock();
    assert.ok(world.greet(late.client, world.serve(late.accepted)));
    assert.equal(world.ended, ended, world.log());
    assert.deepEqual(world.machine.violations, []);
  });
}

/**
 * What takes descriptors in a client's life; what is put on `end` is closed
 * when all is over.
 */
const moments: Readonly<
  Record<
    string,
    (client: DeviceClient, end: DisposableStack, world: DeviceWorld) => void
  >
> = {
  "the host sends a keymap": (client) => {
    client.addKeyboard();
    client.host.keymap(4, memoryFile(5000), 5000);
  },
  "the client pastes": (client, end, world) =>
    end.use(new Selections(world, client).ask()),
  "the client pastes again and again": (client, end, world) => {
    const readers = new Selections(world, client).askTogether(20);
    for (const reader of readers) end.use(reader);
  },
  "the host pastes": (client, end, world) =>
    end.use(new Selections(world, client).askClient()),
  "the client shows a window": (client, end, world) => {
    const windows = end.use(new Windows(world, client));
    windows.paint(windows.open(64, 64), 1);
  },
  "the client leaves": (client) => client.client[Symbol.dispose](),
};

for (const [name, begin] of Object.entries(moments)) {
  for (let free = 0; free <= 8; free++) {
    Deno.test(`${name} with ${free} free descriptors, and the others live`, () => {
      using world = new DeviceWorld();
      const other = world.addReady();
      const client = world.addReady();
      using end = new DisposableStack();
      begin(client, end, world);
      withFreeDescriptors(free, () => {
        world.settle();
        world.pass(100);
      });
      assert.ok(isAlive(world, other.client, other.host, 3), `${client.log}`);
      assert.ok(world.addReady().endpoint.identifiersPerMessage !== null);
      assert.ok(!other.ended);
      // nobody is to look for a defect
      assert.doesNotMatch(client.log.join(), /internal error/);
    });
  }
}
