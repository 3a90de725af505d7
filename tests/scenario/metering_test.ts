/**
 * Endpoints that state how much may be unanswered: the relay asks at each half
 * of it, and at the limit the client's requests wait.
 */
import assert from "node:assert/strict";
import { repeated } from "../support/words.ts";
import { RelayWorld } from "../support/relay_world.ts";

/**
 * virtio-gpu's: more small sends than that block the whole VM while the
 * compositor does not read.
 */
const meter = { sends: 64, bytes: 65536, bytesPerSend: 4096, fdsPerSend: 28 };

/** A client with a surface, its object 4. */
function meteredWorld(): RelayWorld {
  return RelayWorld.withSurface({ host: { meter } });
}

/** The relay's own sync among what the host heard, or "". */
function ownSync(lines: readonly string[]): string {
  return /\.sync\(new (.*)\)/.exec(lines.join("\n"))?.[1] ?? "";
}

/** How many of the scenarios' requests the host has heard. */
function damages(lines: readonly string[]): number {
  return lines.filter((line) => line.includes("damage")).length;
}

/**
 * Sends requests one by one until the host hears a sync of the relay's, or
 * `most` of them have gone.
 */
function sendOneByOne(
  world: RelayWorld,
  most: number,
): { heard: number; sync: string } {
  let heard = 0;
  for (let i = 0; i < most; i++) {
    world.client.damage(4, [i, 0, 1, 1]);
    const lines = world.host.heard();
    heard += damages(lines);
    const sync = ownSync(lines);
    if (sync !== "") return { heard, sync };
  }
  return { heard, sync: "" };
}

Deno.test("at half of the unanswered sends the relay asks for an answer, once", () => {
  using world = meteredWorld();
  const first = sendOneByOne(world, 100);
  assert.ok(first.sync !== "");
  assert.ok(first.heard >= 25 && first.heard <= 32, `after ${first.heard}`);
  const second = sendOneByOne(world, 20);
  assert.deepEqual(second, { heard: 20, sync: "" });
});

Deno.test("at the limit of unanswered sends the client is not read until the answer comes", () => {
  using world = meteredWorld();
  const first = sendOneByOne(world, 100);
  const second = sendOneByOne(world, 100);
  const heard = first.heard + second.heard;
  assert.ok(heard <= meter.sends);
  assert.ok(heard >= meter.sends - 8);
  assert.ok(second.sync !== "");
  const most = meter.sends - heard;
  assert.ok(sendOneByOne(world, 100).heard <= most);
  world.host.answer(first.sync);
  assert.ok(damages(world.host.heard()) >= 100 - most);
  assert.ok(!world.ended);
});

Deno.test("answered sends are forgotten, so a host that answers is never waited for", () => {
  using world = meteredWorld();
  let heard = 0;
  for (let round = 0; round < 10; round++) {
    const { heard: now, sync } = sendOneByOne(world, 100);
    heard += now;
    assert.ok(sync !== "");
    world.host.answer(sync);
  }
  assert.ok(heard >= 10 * 25);
});

Deno.test("what is sent between the question and its answer stays unanswered", () => {
  using world = meteredWorld();
  const { sync } = sendOneByOne(world, 100);
  sendOneByOne(world, 20);
  world.host.answer(sync);
  // Some 20 are unanswered still, so half of 64 is reached after another dozen.
  const { heard } = sendOneByOne(world, 100);
  assert.ok(heard <= 16, `${heard} more`);
});

Deno.test("bytes count as sends do", () => {
  using world = meteredWorld();
  const damage = { x: 0, y: 0, width: 1, height: 1 };
  const request = world.client.encode(4, "wl_surface.damage", damage);
  const batch = repeated(request, 600); // 14,400 bytes
  const syncs: string[] = [];
  const heard: number[] = [];
  for (let i = 0; i < 8; i++) {
    world.client.bytes(batch);
    const lines = world.host.heard();
    heard.push(damages(lines));
    const sync = ownSync(lines);
    if (sync !== "") syncs.push(sync);
  }
  assert.equal(syncs.length, 1);
  assert.deepEqual(heard.slice(0, 4), [600, 600, 600, 600]);
  assert.deepEqual(heard.slice(5), [0, 0, 0]);
  // The limit is reached in the midst of what was read at once; what the world
  // began with counts, too.
  const taken = 2400 + (heard[4] ?? 0);
  assert.ok(taken * request.length <= meter.bytes);
  assert.ok(taken * request.length > meter.bytes - 200);
  world.host.answer(syncs[0] ?? "");
  const rest = world.host.heard();
  world.host.answer(ownSync(rest));
  assert.equal(taken + damages(rest) + damages(world.host.heard()), 8 * 600);
});

Deno.test("an endpoint without limits is asked nothing", () => {
  using world = RelayWorld.withSurface();
  assert.deepEqual(sendOneByOne(world, 200), { heard: 200, sync: "" });
});
