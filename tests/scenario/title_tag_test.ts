/** The tag in front of titles, and the 4096 bytes that a message may have. */
import assert from "node:assert/strict";
import { message } from "../support/words.ts";
import { RelayWorld } from "../support/relay_world.ts";

const encoder = new TextEncoder();

/** The title that the host hears, and the bytes of its message. */
function titleOf(
  world: RelayWorld,
  title: string,
): { title: string; size: number } {
  world.client.say(7, "xdg_toplevel.set_title", { title });
  const [line = "", ...more] = world.host.heard();
  assert.deepEqual(more, []);
  return {
    title: JSON.parse(
      /^xdg_toplevel@7\.set_title\((.*)\)$/.exec(line)?.[1] ?? "",
    ),
    size: world.host.lastMessage.length,
  };
}

Deno.test("the host sees the tag in front of a window's title", () => {
  using world = RelayWorld.withWindow({ tag: "[work] " });
  assert.equal(titleOf(world, "notes").title, "[work] notes");
  assert.equal(titleOf(world, "").title, "[work] ");
  assert.equal(titleOf(world, "naïve 💡").title, "[work] naïve 💡");
});

Deno.test("without a tag a title stays as it is, text or not", () => {
  using world = RelayWorld.withWindow();
  const title = message(7, 2, Uint8Array.of(0xfe, 0xff, 0));
  world.client.bytes(title);
  world.settle();
  assert.deepEqual(world.host.lastMessage, title);
});

Deno.test("an app_id has no tag", () => {
  using world = RelayWorld.withWindow({ tag: "[work] " });
  world.client.say(7, "xdg_toplevel.set_app_id", { "app_id": "org.example" });
  world.host.mustHear('xdg_toplevel@7.set_app_id("org.example")');
});

Deno.test("a title that fits with its tag to the last byte is whole", () => {
  using world = RelayWorld.withWindow({ tag: "[work] " });
  // 4096 bytes: 8 of header, 4 of length, 4084 of text with its zero
  const longest = "x".repeat(4083 - 7);
  assert.deepEqual(titleOf(world, longest), {
    title: "[work] " + longest,
    size: 4096,
  });
});

Deno.test("a title that does not fit with its tag loses its end", () => {
  using world = RelayWorld.withWindow({ tag: "[work] " });
  assert.deepEqual(titleOf(world, "x".repeat(4083)), {
    title: "[work] " + "x".repeat(4083 - 7),
    size: 4096,
  });
});

for (const character of ["é", "€", "💡"]) {
  Deno.test(`a title is not cut within a character: ${character}`, () => {
    const bytes = encoder.encode(character).length;
    for (let tagLength = 1; tagLength <= bytes; tagLength++) {
      using world = RelayWorld.withWindow({ tag: "t".repeat(tagLength) });
      const count = Math.floor(4083 / bytes);
      const { title } = titleOf(world, character.repeat(count));
      const kept = Math.floor((4083 - tagLength) / bytes);
      assert.equal(title, "t".repeat(tagLength) + character.repeat(kept));
    }
  });
}

Deno.test("a tag that fills a message alone leaves no room for the title", () => {
  using world = RelayWorld.withWindow({ tag: "t".repeat(5000) });
  assert.equal(titleOf(world, "notes").title, "t".repeat(4083));
});

Deno.test("the title of an inert window is forgotten, tag or not", () => {
  using world = RelayWorld.withSurface({ tag: "[work] " });
  world.host.withdraw(5);
  world.settle();
  world.client.bind(5, "xdg_wm_base", 5, 5);
  world.client.getToplevel(5, 4, 6, 7);
  world.client.say(7, "xdg_toplevel.set_title", { title: "notes" });
  world.host.mustHearNothing();
  assert.ok(!world.ended);
});
