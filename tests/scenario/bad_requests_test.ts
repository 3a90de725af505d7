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
const reader: Feature<null> = {
  name: "reader",
  open: () => null,
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
  events: {},
};

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
  world.client.say(6, "xdg_wm_base.get_xdg_surface", {
    id: 7,
    surface: SURFACE,
  });
  world.client.say(7, "xdg_surface.get_toplevel", { id: TOPLEVEL });
  world.bind(2, "wl_shm", 1, SHM);
  world.bind(5, "zwp_text_input_manager_v3", 2, 10);
  world.client.say(10, "zwp_text_input_manager_v3.get_text_input", {
    id: TEXT_INPUT,
    seat: SEAT,
  });
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

const invalid = (
  name: string,
  of: RequestName,
  id: number,
  parts: readonly Part[],
): Case => ({
  name,
  bytes: request(of, id, ...parts),
  code: 1,
  text: `invalid arguments for ${of.replace(".", `#${id}.`)}: `,
});

const region = (name: string, id: number): Case =>
  invalid(name, "wl_compositor.create_region", 3, [id]);

const title = (name: string, ...parts: Part[]): Case =>
  invalid(name, "xdg_toplevel.set_title", TOPLEVEL, parts);

const actions = (name: string, ...parts: Part[]): Case =>
  invalid(name, "zwp_text_input_v3.set_available_actions", TEXT_INPUT, parts);

const cases: readonly Case[] = [
  badSize(0),
  badSize(4),
  badSize(7),
  badSize(10),
  badSize(13),
  badSize(4098),
  badSize(4100),
  badSize(65532),
  badSize(65535),

  invalid("a truncated message", "wl_surface.damage", SURFACE, [1, 2, 3]),
  invalid(
    "a message that is only its header",
    "wl_surface.damage",
    SURFACE,
    [],
  ),
  invalid("a message with an argument too many", "wl_surface.damage", SURFACE, [
    1,
    2,
    3,
    4,
    5,
  ]),
  invalid("a truncated message with an object", "wl_surface.attach", SURFACE, [
    0,
    1,
  ]),
  invalid("an oversized message with an object", "wl_surface.attach", SURFACE, [
    0,
    1,
    2,
    3,
  ]),
  title("a string without a length"),
  title("something behind a string", "title", 0),

  {
    name: "a message to an object that never was",
    bytes: message(4711, 0),
    code: 0,
    text: "invalid object 4711",
  },
  {
    name: "a message to the object 0",
    bytes: message(0, 0),
    code: 0,
    text: "invalid object 0",
  },
  {
    name: "a message to an object of the server's range that never was",
    bytes: message(0xff000000, 0),
    code: 0,
    text: "invalid object 4278190080",
  },
  {
    name: "a message to the highest id there is",
    bytes: message(0xffffffff, 0),
    code: 0,
    text: "invalid object 4294967295",
  },
  {
    name: "a message to an object that the client destroyed",
    bytes: join(
      request("xdg_toplevel.destroy", TOPLEVEL),
      request("xdg_toplevel.set_maximized", TOPLEVEL),
    ),
    code: 0,
    text: "invalid object 8",
  },
  {
    name: "an opcode that no version has",
    bytes: message(SURFACE, 99),
    code: 1,
    text: "invalid method 99 (99 >= 12), object wl_surface#4",
  },
  {
    name: "the highest opcode there is",
    bytes: message(SURFACE, 0xffff),
    code: 1,
    text: "invalid method 65535 (65535 >= 12), object wl_surface#4",
  },
  {
    name: "an opcode that is newer than the object",
    bytes: request("wl_surface.offset", SURFACE, 1, 2),
    code: 1,
    text: "invalid method 10 (since 4 < 5), object wl_surface#4",
  },
  {
    name: "a request to an object that has none",
    bytes: join(request("wl_surface.frame", SURFACE, NEXT), message(NEXT, 0)),
    code: 1,
    text: "invalid method 0 (0 >= 0), object wl_callback#12",
  },

  region("an id that is in use", SURFACE),
  region("the display's id for a new object", 1),
  region("an id out of turn", NEXT + 1),
  region("an id far out of turn", 0x00ffffff),
  region("the id 0", 0),
  region("an id of the server's side", 0xff000000),
  region("the highest id of the server's side", 0xffffffff),
  {
    ...region("an id that is not deleted yet", SURFACE),
    bytes: join(
      request("xdg_toplevel.destroy", TOPLEVEL),
      request("wl_compositor.create_region", 3, TOPLEVEL),
    ),
  },
  {
    ...region("one id for two objects", NEXT),
    bytes: join(
      request("wl_compositor.create_region", 3, NEXT),
      request("wl_compositor.create_region", 3, NEXT),
    ),
  },
  invalid("an id in use for a frame", "wl_surface.frame", SURFACE, [SEAT]),

  invalid("an object of another interface", "wl_surface.attach", SURFACE, [
    SEAT,
    0,
    0,
  ]),
  invalid("an object that never was", "wl_surface.attach", SURFACE, [
    4711,
    0,
    0,
  ]),
  invalid("an object of the server's range", "wl_surface.attach", SURFACE, [
    0xff000000,
    0,
    0,
  ]),
  invalid(
    "itself where a parent is meant",
    "wl_surface.set_input_region",
    SURFACE,
    [
      SURFACE,
    ],
  ),
  invalid("null where an object must be", "xdg_toplevel.move", TOPLEVEL, [
    0,
    1,
  ]),

  title("null where a string must be", 0),
  title("a string without its final zero", 4, 0x64636261),
  title("a string with a zero inside", 8, 0x00636261, 0x00666564),
  title("a string whose final zero stands too early", 5, 0x00636261, 0),
  title("a string longer than its message", 9, 0x64636261, 0x00666564),
  title("a string longer than any message", 4097, 0x00636261),
  title("a string of 4 GiB", -1, 0x00636261),
  title("a string of 2 GiB", 0x7fffffff, 0x00636261),
  title("a string that is shorter than its message", 4, 0x00636261, 0x00636261),

  actions("an array without a length"),
  actions("an array longer than its message", 8, 1),
  actions("an array longer than any message", 4100, 1),
  actions("an array of 4 GiB", -4, 1),
  actions("an array of 2 GiB", 0x7ffffffc, 1),
  actions("an array that is shorter than its message", 4, 1, 2),

  invalid("a bind that ends before its string", "wl_registry.bind", 2, [1]),
  invalid("a bind that ends with its string", "wl_registry.bind", 2, [
    1,
    "wl_seat",
  ]),
  invalid("a bind that ends with its version", "wl_registry.bind", 2, [
    1,
    "wl_seat",
    1,
  ]),
  invalid("a bind without an interface", "wl_registry.bind", 2, [
    1,
    0,
    1,
    NEXT,
  ]),
  invalid("a bind whose string has no zero", "wl_registry.bind", 2, [
    1,
    4,
    0x64636261,
    1,
    NEXT,
  ]),
  invalid("a bind whose string is too long", "wl_registry.bind", 2, [
    1,
    400,
    0x64636261,
    1,
    NEXT,
  ]),
  invalid("a bind with something behind it", "wl_registry.bind", 2, [
    3,
    "wl_seat",
    1,
    NEXT,
    0,
  ]),
  invalid("a bind to an id in use", "wl_registry.bind", 2, [
    3,
    "wl_seat",
    1,
    SEAT,
  ]),
  invalid("a bind to an id of the server's side", "wl_registry.bind", 2, [
    3,
    "wl_seat",
    1,
    0xff000000,
  ]),

  invalid("a descriptor that is missing", "wl_shm.create_pool", SHM, [
    NEXT,
    4096,
  ]),
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
      assert.deepEqual(world.log, [
        `client ended: it broke the protocol: ${fullText}`,
      ]);
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
  assert.deepEqual(world.log, ["client ended: it closed its connection"]);
});

Deno.test("a bad client ends no other", () => {
  using world = badWorld();
  using other = RelayWorld.ready({ beside: world });
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
