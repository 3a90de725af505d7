/** Whether the host still answers. */
import assert from "node:assert/strict";
import { RelayWorld } from "../support/relay_world.ts";

/** A client with a surface (4), whose host has answered everything. */
function quietWorld(): RelayWorld {
  const world = RelayWorld.withSurface();
  world.settle();
  world.host.say(4, "wl_surface.preferred_buffer_scale", { factor: 1 });
  world.forget();
  return world;
}

const question = "wl_callback#2";
const ping = `wl_display@1.sync(new ${question})`;
const dead =
  'wl_display@1.error(wl_display@1, 3, "the compositor did not answer for 30 s")';

/** Lets time pass after a request of the client. */
function passAfterCommit(world: RelayWorld, milliseconds: number): void {
  world.client.commit(4);
  world.pass(milliseconds);
}

Deno.test("a host that owes no answer is asked nothing", () => {
  using world = quietWorld();
  world.pass(120_000);
  world.host.mustHearNothing();
  assert.ok(!world.ended);
});

Deno.test("after 5 s without an answer the host is asked for one", () => {
  using world = quietWorld();
  passAfterCommit(world, 4_999);
  world.host.mustHear("wl_surface@4.commit()");
  world.pass(1);
  world.host.mustHear(ping);
});

Deno.test("the client hears nothing of the relay's own question", () => {
  using world = quietWorld();
  passAfterCommit(world, 5_000);
  world.host.answer(question);
  world.client.mustHearNothing();
  world.forget();
  world.pass(120_000);
  world.host.mustHearNothing();
  assert.ok(!world.ended);
});

Deno.test("after an answer the next question is due 5 s after the next request", () => {
  using world = quietWorld();
  passAfterCommit(world, 5_000);
  world.host.answer(question);
  world.forget();
  world.pass(1_000);
  world.client.commit(4);
  world.forget();
  world.pass(4_999);
  world.host.mustHearNothing();
  world.pass(1);
  world.host.mustHear("wl_display@1.sync(new wl_callback#3)");
});

Deno.test("a host that says what it has bit by bit, and has long pauses, lives", () => {
  using world = new RelayWorld();
  world.settle();
  for (let name = 1; name < 5; name++) {
    world.pass(20_000);
    world.host.announce(name, "wl_output", 4);
    world.settle();
  }
  assert.ok(!world.ended);
  world.pass(29_999);
  assert.ok(!world.ended);
  world.pass(1);
  assert.ok(world.ended);
});

Deno.test("after 30 s without any answer the host is dead", () => {
  using world = quietWorld();
  passAfterCommit(world, 29_999);
  assert.ok(!world.ended);
  world.pass(1);
  world.client.mustHear(dead);
  assert.ok(world.client.closed && world.host.closed);
  world.mustLog("client ended: the compositor did not answer for 30 s");
  assert.equal(world.loop.timerCount, 0);
});

Deno.test("requests that go on do not hide that nothing comes back", () => {
  using world = quietWorld();
  for (let second = 0; second < 30; second++) {
    assert.ok(!world.ended);
    passAfterCommit(world, 1_000);
  }
  assert.ok(world.ended);
  assert.equal(world.host.heard().filter((line) => line === ping).length, 1);
});

Deno.test("a compositor that stops for 10 s lives", () => {
  using world = quietWorld();
  world.host.deaf = true;
  passAfterCommit(world, 10_000);
  world.host.deaf = false;
  world.host.mustHear("wl_surface@4.commit()", ping);
  world.host.answer(question);
  world.pass(60_000);
  assert.ok(!world.ended);
});

Deno.test("any event is an answer", () => {
  using world = quietWorld();
  for (let round = 0; round < 10; round++) {
    passAfterCommit(world, 4_900);
    world.host.say(4, "wl_surface.preferred_buffer_scale", { factor: 1 });
    world.settle();
  }
  assert.ok(!world.host.heard().includes(ping));
  assert.ok(!world.ended);
});

Deno.test("a host that never says what it has is dead, too", () => {
  using world = new RelayWorld();
  world.client.getRegistry(2);
  world.pass(30_000);
  world.client.mustHear(dead);
});

for (const awake of [1_000, 6_000, 29_000]) {
  Deno.test(`after a night's sleep the host has its time again, also where it was silent for ${awake / 1_000} s before`, () => {
    using world = quietWorld();
    passAfterCommit(world, awake);
    world.loop.sleep(8 * 60 * 60 * 1_000);
    world.settle();
    assert.ok(!world.ended);
    world.pass(29_999);
    assert.ok(world.host.heard().at(-1)?.includes("wl_display@1.sync"));
    assert.ok(!world.ended);
    world.pass(1);
    assert.ok(world.ended);
  });
}

/** How a host differs that may be gone without a word. */
const silent = { host: { endsSilently: true } };

Deno.test("a host that may be gone without a word is asked once after each time of traffic, and is dead where it is silent", () => {
  using world = RelayWorld.withSurface(silent);
  world.client.commit(4);
  world.forget();
  // Half of an answer, perhaps: the frame callback of it may never come.
  world.host.say(4, "wl_surface.preferred_buffer_scale", { factor: 1 });
  world.pass(4_999);
  world.host.mustHearNothing();
  world.pass(1);
  world.host.mustHear(ping);
  world.pass(25_000);
  assert.ok(world.ended);
});

Deno.test("a host that may be gone without a word and has answered is asked no more until there is traffic", () => {
  using world = RelayWorld.withSurface(silent);
  passAfterCommit(world, 5_000);
  assert.match(world.host.heard().at(-1) ?? "", /sync/);
  world.host.answer(question);
  world.pass(120_000);
  world.host.mustHearNothing();
  assert.ok(!world.ended);
});
