/**
 * Every descriptor that comes is closed once: not before whoever it is for has
 * it, not twice, and not never.
 */
import assert from "node:assert/strict";
import { closeFd } from "../../ffi/fd.ts";
import type {
  Feature,
  FeatureRelay,
  Verdict,
} from "../../src/relay/feature.ts";
import { RelayWorld } from "../support/relay_world.ts";
import { DescriptorAudit } from "./descriptor_audit.ts";

/** What becomes of descriptors. */
interface Fate {
  readonly feature?: Feature;
  /** How many reach the peer that they are for; none when left out. */
  readonly delivered?: number;
  send(world: RelayWorld, audit: DescriptorAudit): void;
}

const GLOBALS: readonly (readonly [number, string, number])[] = [
  [1, "wl_seat", 8],
  [2, "zwp_linux_dmabuf_v1", 3],
  [3, "wl_shm", 1],
];
/**
 * On both sides: 3 dma-buf manager, 4 its parameters, 5 seat, 6 keyboard, 7
 * shm.
 */
const MANAGER = 3;
const PARAMETERS = 4;
const KEYBOARD = 6;
const SHM = 7;

/** `zwp_linux_buffer_params_v1.add`, which takes one descriptor of any kind. */
function add(world: RelayWorld, ...fds: number[]): void {
  for (const fd of fds) {
    world.client.addPlane(PARAMETERS, { fd, stride: 0 });
  }
}

function keymap(world: RelayWorld, ...fds: number[]): void {
  for (const fd of fds) {
    world.host.keymap(KEYBOARD, fd, 9);
  }
}

/** A message, with a word that it should not have. */
function tooLong(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const long = new Uint8Array(message.length + 4);
  long.set(message);
  new DataView(long.buffer).setUint16(6, long.length, true);
  return long;
}

/** Decides about the request that carries a descriptor. */
function deciding(
  decide: (relay: FeatureRelay, values: { fd: number }) => Verdict,
): Feature<FeatureRelay> {
  return {
    name: "deciding",
    open: (relay) => relay,
    requests: {
      "zwp_linux_buffer_params_v1.add": (relay, _params, values) =>
        decide(relay, values),
    },
    events: {
      "wl_keyboard.keymap": (relay, _keyboard, values) => decide(relay, values),
    },
  };
}

const holding = deciding(() => "hold");
const A_WHILE = 2_000;

const FATES: Readonly<Record<string, Fate>> = {
  "forwarded to the host": {
    delivered: 100,
    send: (world, audit) => add(world, ...audit.pipes(100)),
  },
  "forwarded to the client": {
    delivered: 100,
    send: (world, audit) => keymap(world, ...audit.pipes(100)),
  },
  "written anew by a feature": {
    feature: deciding(() => "rewrite"),
    delivered: 2,
    send: (world, audit) => {
      add(world, audit.pipe());
      keymap(world, audit.pipe());
    },
  },
  "taken and dropped by a feature": {
    feature: deciding((relay, { fd }) => {
      relay.discardFromClient(fd);
      return "take";
    }),
    send: (world, audit) => add(world, ...audit.pipes(3)),
  },
  "taken, opened and closed by a feature": {
    feature: deciding((relay, { fd }) => {
      closeFd(relay.openFromClient(fd, "dmabuf"));
      return "take";
    }),
    send: (world, audit) => add(world, ...audit.pipes(3)),
  },
  "held, and released by time": {
    feature: holding,
    delivered: 2,
    send: (world, audit) => {
      add(world, audit.pipe());
      keymap(world, audit.pipe());
      audit.settle(world);
      world.pass(A_WHILE);
    },
  },
  "held, when their client leaves": {
    feature: holding,
    delivered: 1,
    send: (world, audit) => {
      add(world, audit.pipe());
      audit.settle(world);
      world.client[Symbol.dispose]();
      world.pass(A_WHILE);
    },
  },
  "held, when their host leaves": {
    feature: holding,
    delivered: 1,
    send: (world, audit) => {
      keymap(world, audit.pipe());
      audit.settle(world);
      world.host[Symbol.dispose]();
      world.pass(A_WHILE);
    },
  },
  "held, when the relay is disposed of": {
    feature: holding,
    send: (world, audit) => {
      add(world, ...audit.pipes(2));
      keymap(world, ...audit.pipes(2));
      audit.settle(world);
      world.relay[Symbol.dispose]();
    },
  },
  "waiting for a host that does not read, when it leaves": {
    send: (world, audit) => {
      world.host.deaf = true;
      add(world, ...audit.pipes(200));
      audit.settle(world);
      world.host[Symbol.dispose]();
    },
  },
  "waiting for a client that does not read, when it leaves": {
    send: (world, audit) => {
      world.client.deaf = true;
      keymap(world, ...audit.pipes(200));
      audit.settle(world);
      world.client[Symbol.dispose]();
    },
  },
  "on their way, when the relay is disposed of": {
    send: (world, audit) => {
      add(world, ...audit.pipes(20));
      keymap(world, ...audit.pipes(20));
      world.relay[Symbol.dispose]();
    },
  },
  "of an object that the host does not know": {
    send: (world, audit) => {
      const { client, host } = world;
      host.withdraw(2);
      audit.settle(world);
      client.bind(2, "zwp_linux_dmabuf_v1", 3, 8);
      client.say(8, "zwp_linux_dmabuf_v1.create_params", { "params_id": 9 });
      client.addPlane(9, { fd: audit.pipe(), stride: 0 });
    },
  },
  "for an object that the client destroyed": {
    send: (world, audit) => {
      world.client.say(KEYBOARD, "wl_keyboard.release");
      audit.settle(world);
      keymap(world, ...audit.pipes(3));
    },
  },
  "of a message that is malformed": {
    delivered: 1,
    send: (world, audit) => {
      add(world, audit.pipe());
      const { client } = world;
      const good = client.encode(PARAMETERS, "zwp_linux_buffer_params_v1.add", {
        fd: -1,
        "plane_idx": 0,
        offset: 0,
        stride: 0,
        "modifier_hi": 0,
        "modifier_lo": 0,
      });
      client.bytes(tooLong(good), audit.pipes(3));
    },
  },
  "of an event that is malformed": {
    delivered: 1,
    send: (world, audit) => {
      keymap(world, audit.pipe());
      const { host } = world;
      const good = host.encode(KEYBOARD, "wl_keyboard.keymap", {
        format: 1,
        fd: -1,
        size: 9,
      });
      host.bytes(tooLong(good), audit.pipes(3));
    },
  },
  "of a pool that is no memory": {
    send: (world, audit) =>
      world.client.createPool(SHM, { id: 8, fd: audit.pipe(), size: 4096 }),
  },
  "without a message, when their client leaves": {
    send: (world, audit) => {
      world.client.bytes(new Uint8Array(4), audit.pipes(40));
      audit.settle(world);
      world.client[Symbol.dispose]();
    },
  },
  "without a message, when their host leaves": {
    send: (world, audit) => {
      world.host.bytes(new Uint8Array(4), audit.pipes(40));
      audit.settle(world);
      world.host[Symbol.dispose]();
    },
  },
  "too many, and without a message": {
    send: (world, audit) => {
      const sync = world.client.encode(1, "wl_display.sync", { callback: 8 });
      world.client.bytes(sync, audit.pipes(250));
      for (let id = 9; id < 13; id++) {
        audit.settle(world);
        const next = world.client.encode(1, "wl_display.sync", {
          callback: id,
        });
        world.client.bytes(next, audit.pipes(250));
      }
    },
  },
};

for (
  const [name, { feature, delivered = 0, send }] of Object.entries(FATES)
) {
  Deno.test(`descriptors ${name} are closed once`, () => {
    using audit = new DescriptorAudit();
    using world = RelayWorld.ready(
      feature === undefined ? {} : { features: [feature] },
      GLOBALS,
    );
    world.bind(2, "zwp_linux_dmabuf_v1", 3, MANAGER);
    world.client.say(MANAGER, "zwp_linux_dmabuf_v1.create_params", {
      "params_id": PARAMETERS,
    });
    world.bind(1, "wl_seat", 8, 5);
    world.client.say(5, "wl_seat.get_keyboard", { id: KEYBOARD });
    world.bind(3, "wl_shm", 1, SHM);
    audit.settle(world);
    send(world, audit);
    audit.settle(world);

    const received = [world.host, world.client].flatMap(({ receivedFds }) =>
      receivedFds.splice(0)
    );
    assert.equal(received.length, delivered, world.log.join("\n"));
    let open = delivered;
    for (const fd of received) {
      assert.equal(audit.openCount, open--);
      closeFd(fd);
    }
    assert.equal(audit.openCount, 0);
    assert.equal(audit.stolenCount, 0);
  });
}
