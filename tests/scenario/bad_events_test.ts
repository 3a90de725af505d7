/**
 * What no client understands from a host: its client is told that the
 * compositor failed, and only that client is ended.
 */
import assert from "node:assert/strict";
import { getEvent } from "../../protocols/tables.ts";
import type { EventName } from "../../protocols/generated/messages.ts";
import { MAX_GLOBALS } from "../../src/relay/registry.ts";
import { memoryFiles, openFdCount } from "../support/descriptors.ts";
import { header, join, message, type Part, series } from "../support/words.ts";
import type { Feature } from "../../src/relay/feature.ts";
import { feature } from "./support/feature.ts";
import { RelayWorld } from "../support/relay_world.ts";

const FIRST = 0xff000000;
const SURFACE = 4;
const KEYBOARD = 6;
const DEVICE = 8;
const OUTPUT = 9;
const TOPLEVEL = 12;
/** Released by the client: what comes for it is read and dropped. */
const RELEASED = 13;

/**
 * Does nothing but have its messages read as records, which is another path
 * through the relay.
 */
const reader = feature({
  events: {
    "wl_surface.enter": () => "forward",
    "wl_keyboard.keymap": () => "forward",
    "wl_data_device.data_offer": () => "forward",
    "wl_data_device.selection": () => "forward",
    "wl_output.name": () => "forward",
    "wl_output.scale": () => "forward",
    "xdg_toplevel.configure": () => "forward",
  },
});

/** The host's ids of what the client has bound are the client's. */
function badWorld(features: readonly Feature[] = []): RelayWorld {
  const world = RelayWorld.ready({ features });
  world.bind(1, "wl_compositor", 6, 3);
  world.client.createSurface(SURFACE);
  world.bind(3, "wl_seat", 8, 5);
  world.client.say(5, "wl_seat.get_keyboard", { id: KEYBOARD });
  world.bind(4, "wl_data_device_manager", 3, 7);
  world.client.getDataDevice(7, DEVICE, 5);
  world.bind(6, "wl_output", 4, OUTPUT);
  world.bind(5, "xdg_wm_base", 5, 10);
  world.client.getToplevel(10, SURFACE, 11, TOPLEVEL);
  world.client.say(5, "wl_seat.get_keyboard", { id: RELEASED });
  world.client.say(RELEASED, "wl_keyboard.release");
  world.forget();
  return world;
}

function event(name: EventName, id: number, ...parts: Part[]): Uint8Array {
  return message(id, getEvent(name).opcode, ...parts);
}

interface Case {
  readonly name: string;
  readonly bytes: Uint8Array;
  /**
   * What the log says behind "the compositor broke the protocol: ", or its
   * beginning.
   */
  readonly text: string;
}

const badSize = (size: number): Case => ({
  name: `a message of ${size} bytes`,
  bytes: join(header(SURFACE, 0, size), new Uint8Array(64)),
  text: `a message of ${size} bytes came`,
});

/** Bodies that one event cannot have. */
const malformed = (
  of: EventName,
  id: number,
  bodies: Readonly<Record<string, readonly Part[]>>,
): Case[] =>
  Object.entries(bodies).map(([name, parts]) => ({
    name,
    bytes: event(of, id, ...parts),
    text: `${of.replace(".", `#${id}.`)} is malformed: `,
  }));

const unknownObject = (what: string, id: number): Case => ({
  name: `an event of ${what}`,
  bytes: message(id, 0),
  text: `an event of the unknown object ${id} came`,
});

const deletion = (id: number, what: string, text: string): Case => ({
  name: `the deletion of ${what}`,
  bytes: event("wl_display.delete_id", 1, id),
  text: `it deleted ${text}`,
});

const cases: readonly Case[] = [
  ...[0, 4, 10, 4100, 65535].map(badSize),

  unknownObject("an object that never was", 4711),
  unknownObject("the object 0", 0),
  unknownObject("an object that the host never made", FIRST),
  {
    name: "an event that no version has",
    bytes: message(SURFACE, 99),
    text: "wl_surface#4 has no event 99",
  },
  {
    name: "an event of the display that there is none of",
    bytes: message(1, 2),
    text: "wl_display#1 has no event 2",
  },

  ...malformed("wl_output.scale", OUTPUT, {
    "a truncated event": [],
    "an event with an argument too many": [1, 2],
  }),
  ...malformed("wl_surface.enter", SURFACE, {
    "a truncated event with an object": [],
    "an oversized event with an object": [OUTPUT, 0],
    "an object that never was": [4711],
    "null where an object must be": [0],
    "an object of another interface": [KEYBOARD],
  }),
  ...malformed("wl_data_device.selection", DEVICE, {
    "an offer that is not an offer": [OUTPUT],
  }),
  ...malformed("wl_data_device.data_offer", DEVICE, {
    "a new object of the client's range": [100],
    "a new object 0": [0],
    "a new object out of turn": [FIRST + 1],
    "a new object far out of turn": [-1],
  }),

  ...malformed("wl_output.name", OUTPUT, {
    "null where a string must be": [0],
    "a string without its final zero": [4, 0x64636261],
    "a string with a zero inside": [8, 0x00636261, 0x00666564],
    "a string past its message": [9, 0x64636261, 0x00666564],
    "a string of 4 GiB": [-1, 0],
    "a string shorter than its message": [4, 0x00636261, 0],
  }),
  ...malformed("xdg_toplevel.configure", TOPLEVEL, {
    "an array past its message": [0, 0, 8, 1],
    "an array of 4 GiB": [0, 0, -4, 1],
    "an array shorter than its message": [0, 0, 4, 1, 2],
  }),

  ...malformed("wl_keyboard.keymap", KEYBOARD, {
    "a descriptor that is missing": [1, 4096],
  }),
  ...malformed("wl_keyboard.keymap", RELEASED, {
    "a descriptor that is missing for a released keyboard": [1, 4096],
  }),
  ...malformed("wl_keyboard.key", RELEASED, {
    "a truncated event of a released keyboard": [1, 2],
  }),
  ...malformed("wl_keyboard.enter", RELEASED, {
    "an oversized event of a released keyboard": [1, SURFACE, 4, 1, 2],
  }),

  deletion(4711, "an object that never was", "the unknown object 4711"),
  deletion(
    2,
    "the relay's registry",
    "the proxy's wl_registry, which is in use",
  ),
  deletion(1, "the display", "the unknown object 1"),
  {
    name: "the deletion of an object of the host's own",
    bytes: join(
      event("wl_data_device.data_offer", DEVICE, FIRST),
      event("wl_display.delete_id", 1, FIRST),
    ),
    text: "it deleted the unknown object 4278190080",
  },
  {
    name: "the same object deleted twice",
    bytes: join(
      event("wl_display.delete_id", 1, RELEASED),
      event("wl_display.delete_id", 1, RELEASED),
    ),
    text: "it deleted the unknown object 13",
  },
  ...malformed("wl_display.delete_id", 1, {
    "a deletion without an id": [],
    "a deletion of two ids": [5, 6],
  }),
  ...malformed("wl_display.error", 1, {
    "an error without a text": [1, 2],
    "an error whose text has no zero": [1, 2, 4, 0x64636261],
    "an error with something behind it": [1, 2, "text", 0],
  }),

  ...malformed("wl_registry.global", 2, {
    "a global without a version": [50, "wl_output"],
    "a global without a name": [50, 0, 1],
    "a global whose name has no zero": [50, 4, 0x64636261, 1],
  }),
  ...malformed("wl_registry.global_remove", 2, { "a removal of nothing": [] }),
];

for (const path of ["by table", "as a record"] as const) {
  for (const { name, bytes, text } of cases) {
    Deno.test(`${name} is the compositor's failure (read ${path})`, () => {
      using world = badWorld(path === "by table" ? [] : [reader]);
      const before = openFdCount();
      // What follows is never looked at.
      world.host.bytes(join(bytes, event("wl_output.done", OUTPUT)));
      const said = world.client.heard();
      assert.ok(!said.some((line) => line.includes("done")), said.join("\n"));
      const [, saidText = '""'] =
        /^wl_display@1\.error\(wl_display@1, 3, (".*")\)$/.exec(
          said.at(-1) ?? "",
        ) ?? [];
      const full: string = JSON.parse(saidText);
      assert.ok(
        full.startsWith(`the compositor broke the protocol: ${text}`),
        full,
      );
      world.mustLog(`client ended: ${full}`);
      assert.ok(world.ended && world.client.closed && world.host.closed);
      assert.equal(openFdCount(), before - 2);
    });
  }
}

Deno.test("a host that sends descriptors that no event asks for is cut off", () => {
  using world = badWorld();
  for (let i = 0; i < 11 && !world.ended; i++) {
    const fds = memoryFiles(100);
    world.host.bytes(event("wl_output.done", OUTPUT), fds);
    world.settle();
  }
  world.mustLog(
    "client ended: the compositor broke the protocol: 1100 file descriptors came without a message that carries them",
  );
});

Deno.test("a host that makes objects without end is cut off, and its client told", () => {
  using world = badWorld();
  world.client.say(8, "wl_data_device.release");
  world.forget();
  world.host.deaf = true;
  let next = FIRST;
  while (!world.ended && next < FIRST + 300_000) {
    const offer = event("wl_data_device.data_offer", DEVICE, next);
    world.host.bytes(series(offer, 2, 4096));
    next += 4096;
    world.settle();
  }
  world.mustLog(
    "client ended: the compositor broke the protocol: it made more than 262144 objects",
  );
});

Deno.test("a host that announces globals without end is cut off, and one that replaces them is not", () => {
  using world = RelayWorld.ready({}, []);
  const announce = (name: number): void => {
    world.host.announce(name, "wl_output", 4);
  };
  for (let name = 1; name <= MAX_GLOBALS; name++) {
    announce(name);
    if (name % 64 === 0) world.settle();
  }
  world.host.withdraw(1);
  announce(MAX_GLOBALS + 1);
  world.settle();
  assert.ok(!world.ended);
  announce(MAX_GLOBALS + 2);
  world.settle();
  world.mustLog(
    "client ended: the compositor broke the protocol: it announced more than 4096 globals",
  );
});

Deno.test("a bad host ends no other client", () => {
  using world = badWorld();
  using other = RelayWorld.ready({ loop: world.loop });
  world.host.bytes(message(4711, 0));
  world.settle();
  other.client.say(1, "wl_display.sync", { callback: 3 });
  other.host.mustHear("wl_display@1.sync(new wl_callback@3)");
});
