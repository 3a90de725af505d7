/**
 * What no server accepts from a client: each is answered by the
 * `wl_display.error` that libwayland sends for it, ends this client, and
 * reaches neither the host nor anybody else.
 */
import assert from "node:assert/strict";
import { getRequest, type Message } from "../../protocols/tables.ts";
import type { RequestName } from "../../protocols/generated/messages.ts";
import type { Feature } from "../../src/relay/feature.ts";
import { openFdCount } from "../support/descriptors.ts";
import { header, join, message, type Part } from "../support/words.ts";
import { feature } from "./support/feature.ts";
import { RelayWorld } from "../support/relay_world.ts";

const SURFACE = 4;
const SEAT = 5;
const TOPLEVEL = 8;
const SHM = 9;
const TEXT_INPUT = 11;
/** The next id that the client may give. */
const NEXT = 12;

/**
 * Does nothing but have its messages read as records, which is another path
 * through the relay.
 */
const reader = feature({
  requests: {
    "wl_compositor.create_region": () => "forward",
    "wl_surface.attach": () => "forward",
    "wl_surface.damage": () => "forward",
    "wl_surface.frame": () => "forward",
    "wl_surface.set_input_region": () => "forward",
    "xdg_toplevel.move": () => "forward",
    "xdg_toplevel.set_title": () => "forward",
    "xdg_toplevel.set_parent": () => "forward",
    "wl_subcompositor.get_subsurface": () => "forward",
    "zwp_text_input_v3.set_available_actions": () => "forward",
  },
});

function badWorld(features: readonly Feature[] = []): RelayWorld {
  const world = RelayWorld.ready({ features }, [
    [1, "wl_compositor", 4],
    [2, "wl_shm", 1],
    [3, "wl_seat", 8],
    [4, "xdg_wm_base", 5],
    [5, "zwp_text_input_manager_v3", 2],
  ]);
  world.bind(1, "wl_compositor", 4, 3);
  world.client.createSurface(SURFACE);
  world.bind(3, "wl_seat", 8, SEAT);
  world.bind(4, "xdg_wm_base", 5, 6);
  world.client.getToplevel(6, SURFACE, 7, TOPLEVEL);
  world.bind(2, "wl_shm", 1, SHM);
  world.bind(5, "zwp_text_input_manager_v3", 2, 10);
  const input = { id: TEXT_INPUT, seat: SEAT };
  world.client.say(10, "zwp_text_input_manager_v3.get_text_input", input);
  world.forget();
  return world;
}

function request(name: RequestName, id: number, ...parts: Part[]): Uint8Array {
  const { opcode }: Message = getRequest(name);
  return message(id, opcode, ...parts);
}

interface Case {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** `wl_display.error`'s code. */
  readonly code: number;
  /** Its text, or the beginning of it. */
  readonly text: string;
}

const badSize = (size: number): Case => ({
  name: `a message of ${size} bytes`,
  bytes: join(header(SURFACE, 6, size), new Uint8Array(64)),
  code: 1,
  text: size > 4096
    ? `message length ${size} exceeds 4096`
    : `message length ${size} is not a multiple of 4 from 8 on`,
});

/** Bodies that one request cannot have. */
const invalid = (
  of: RequestName,
  id: number,
  bodies: Readonly<Record<string, readonly Part[]>>,
): Case[] =>
  Object.entries(bodies).map(([name, parts]) => ({
    name,
    bytes: request(of, id, ...parts),
    code: 1,
    text: `invalid arguments for ${of.replace(".", `#${id}.`)}: `,
  }));

const unknownObject = (what: string, id: number): Case => ({
  name: `a message to ${what}`,
  bytes: message(id, 0),
  code: 0,
  text: `invalid object ${id}`,
});

const unknownMethod = (
  name: string,
  bytes: Uint8Array,
  text: string,
): Case => ({
  name,
  bytes,
  code: 1,
  text: `invalid method ${text}`,
});

/** `wl_compositor.create_region` with a wrong id, after these requests. */
const region = (name: string, id: number, ...before: Uint8Array[]): Case => ({
  name,
  bytes: join(...before, request("wl_compositor.create_region", 3, id)),
  code: 1,
  text: "invalid arguments for wl_compositor#3.create_region: ",
});

const cases: readonly Case[] = [
  ...[0, 4, 7, 10, 13, 4098, 4100, 65532, 65535].map(badSize),

  ...invalid("wl_surface.damage", SURFACE, {
    "a truncated message": [1, 2, 3],
    "a message that is only its header": [],
    "a message with an argument too many": [1, 2, 3, 4, 5],
  }),
  ...invalid("wl_surface.attach", SURFACE, {
    "a truncated message with an object": [0, 1],
    "an oversized message with an object": [0, 1, 2, 3],
  }),

  unknownObject("an object that never was", 4711),
  unknownObject("the object 0", 0),
  unknownObject("an object of the server's range that never was", 0xff000000),
  unknownObject("the highest id there is", 0xffffffff),
  {
    name: "a message to an object that the client destroyed",
    bytes: join(
      request("xdg_toplevel.destroy", TOPLEVEL),
      request("xdg_toplevel.set_maximized", TOPLEVEL),
    ),
    code: 0,
    text: "invalid object 8",
  },
  unknownMethod(
    "an opcode that no version has",
    message(SURFACE, 99),
    "99 (99 >= 12), object wl_surface#4",
  ),
  unknownMethod(
    "the highest opcode there is",
    message(SURFACE, 0xffff),
    "65535 (65535 >= 12), object wl_surface#4",
  ),
  unknownMethod(
    "an opcode that is newer than the object",
    request("wl_surface.offset", SURFACE, 1, 2),
    "10 (since 4 < 5), object wl_surface#4",
  ),
  unknownMethod(
    "a request to an object that has none",
    join(request("wl_surface.frame", SURFACE, NEXT), message(NEXT, 0)),
    "0 (0 >= 0), object wl_callback#12",
  ),

  region("an id that is in use", SURFACE),
  region("the display's id for a new object", 1),
  region("an id out of turn", NEXT + 1),
  region("an id far out of turn", 0x00ffffff),
  region("the id 0", 0),
  region("an id of the server's side", 0xff000000),
  region("the highest id of the server's side", 0xffffffff),
  region(
    "an id that is not deleted yet",
    TOPLEVEL,
    request("xdg_toplevel.destroy", TOPLEVEL),
  ),
  region(
    "one id for two objects",
    NEXT,
    request("wl_compositor.create_region", 3, NEXT),
  ),
  ...invalid("wl_surface.frame", SURFACE, {
    "an id in use for a frame": [SEAT],
  }),

  ...invalid("wl_surface.attach", SURFACE, {
    "an object of another interface": [SEAT, 0, 0],
    "an object that never was": [4711, 0, 0],
    "an object of the server's range": [0xff000000, 0, 0],
  }),
  ...invalid("wl_surface.set_input_region", SURFACE, {
    "itself where a parent is meant": [SURFACE],
  }),
  ...invalid("xdg_toplevel.move", TOPLEVEL, {
    "null where an object must be": [0, 1],
  }),

  ...invalid("xdg_toplevel.set_title", TOPLEVEL, {
    "a string without a length": [],
    "something behind a string": ["title", 0],
    "null where a string must be": [0],
    "a string without its final zero": [4, 0x64636261],
    "a string with a zero inside": [8, 0x00636261, 0x00666564],
    "a string whose final zero stands too early": [5, 0x00636261, 0],
    "a string longer than its message": [9, 0x64636261, 0x00666564],
    "a string longer than any message": [4097, 0x00636261],
    "a string of 4 GiB": [-1, 0x00636261],
    "a string of 2 GiB": [0x7fffffff, 0x00636261],
    "a string that is shorter than its message": [4, 0x00636261, 0x00636261],
  }),
  ...invalid("zwp_text_input_v3.set_available_actions", TEXT_INPUT, {
    "an array without a length": [],
    "an array longer than its message": [8, 1],
    "an array longer than any message": [4100, 1],
    "an array of 4 GiB": [-4, 1],
    "an array of 2 GiB": [0x7ffffffc, 1],
    "an array that is shorter than its message": [4, 1, 2],
  }),

  ...invalid("wl_registry.bind", 2, {
    "a bind that ends before its string": [1],
    "a bind that ends with its string": [1, "wl_seat"],
    "a bind that ends with its version": [1, "wl_seat", 1],
    "a bind without an interface": [1, 0, 1, NEXT],
    "a bind whose string has no zero": [1, 4, 0x64636261, 1, NEXT],
    "a bind whose string is too long": [1, 400, 0x64636261, 1, NEXT],
    "a bind with something behind it": [3, "wl_seat", 1, NEXT, 0],
    "a bind to an id in use": [3, "wl_seat", 1, SEAT],
    "a bind to an id of the server's side": [3, "wl_seat", 1, 0xff000000],
  }),

  ...invalid("wl_shm.create_pool", SHM, {
    "a descriptor that is missing": [NEXT, 4096],
  }),
];

for (const path of ["by table", "as a record"] as const) {
  for (const { name, bytes, code, text } of cases) {
    Deno.test(`${name} ends the client (read ${path})`, () => {
      using world = badWorld(path === "by table" ? [] : [reader]);
      const before = openFdCount();
      // What follows is never looked at.
      world.client.bytes(join(bytes, request("wl_surface.commit", SURFACE)));
      const said = world.client.heard();
      const [, saidCode, saidText = ""] =
        /^wl_display@1\.error\(wl_display@1, (\d+), (".*")\)$/.exec(
          said.at(-1) ?? "",
        ) ?? [];
      assert.equal(Number(saidCode), code, said.join("\n"));
      const fullText: string = JSON.parse(saidText);
      assert.ok(fullText.startsWith(text), fullText);
      if (!text.endsWith(": ")) assert.equal(fullText, text);
      assert.deepEqual(
        world.host.heard().filter((line) => /commit|error|\?/.test(line)),
        [],
      );
      world.mustLog(`client ended: it broke the protocol: ${fullText}`);
      assert.ok(world.ended && world.client.closed && world.host.closed);
      assert.equal(openFdCount(), before - 2);
    });
  }
}

Deno.test("a message that never becomes whole ends with its client", () => {
  using world = badWorld();
  world.client.bytes(
    request("wl_surface.damage", SURFACE, 1, 2, 3, 4).subarray(0, 20),
  );
  world.settle();
  world.client[Symbol.dispose]();
  world.host.mustHearNothing();
  world.mustLog("client ended: it closed its connection");
});

Deno.test("a bad client ends no other", () => {
  using world = badWorld();
  using other = RelayWorld.ready({ loop: world.loop });
  world.client.bytes(message(4711, 0));
  world.settle();
  assert.ok(world.ended);
  other.client.say(1, "wl_display.sync", { callback: 3 });
  other.host.mustHear("wl_display@1.sync(new wl_callback@3)");
});

Deno.test("what a bad client said before reaches the host", () => {
  using world = badWorld();
  world.client.bytes(join(
    request("wl_surface.commit", SURFACE),
    message(4711, 0),
  ));
  world.host.mustHear("wl_surface@4.commit()");
});
