/** Floods, and peers that do not read. */
import assert from "node:assert/strict";
import { memoryFiles, openFdCount } from "../support/descriptors.ts";
import { repeated, series } from "../support/words.ts";
import { RelayWorld, type RelayWorldOptions } from "../support/relay_world.ts";

const DAMAGE = { x: 1, y: 2, width: 3, height: 4 };
const MOTION = { time: 1, "surface_x": 2, "surface_y": 3 };

/**
 * A client with a surface 4, a pool manager 5 and a seat 6 with a pointer 7.
 */
function busyWorld(options: RelayWorldOptions = {}): RelayWorld {
  const world = RelayWorld.withSurface(options);
  world.bind(2, "wl_shm", 1, 5);
  world.bind(3, "wl_seat", 8, 6);
  world.client.say(6, "wl_seat.get_pointer", { id: 7 });
  world.forget();
  return world;
}

/**
 * Sends the same messages until the relay takes no more; returns how many whole
 * ones went.
 */
function flood(world: RelayWorld, message: Uint8Array): number {
  const { client } = world;
  const batch = repeated(message, 4096);
  let sent = 0;
  let offset = 0;
  for (let idle = 0; idle < 3 && sent < 1 << 26;) {
    const taken = client.tryBytes(batch.subarray(offset));
    sent += taken;
    offset = (offset + taken) % message.length;
    idle = taken === 0 ? idle + 1 : 0;
    world.settle();
    if (world.ended) break;
  }
  // The rest of a message of which a part went.
  while (offset !== 0 && !world.ended) {
    world.host.deaf = false;
    world.settle();
    client.bytes(message.subarray(offset));
    sent += message.length - offset;
    offset = 0;
  }
  return sent / message.length;
}

Deno.test("a client that floods a host that does not read is not read either, and loses nothing", () => {
  using world = busyWorld();
  world.host.deaf = true;
  const request = world.client.encode(4, "wl_surface.damage", DAMAGE);
  const sent = flood(world, request);
  // What sockets hold, and 256 KiB of ours: far from everything that it would
  // have sent.
  assert.ok(sent * request.length < 1 << 21, `${sent} messages`);
  world.host.deaf = false;
  assert.equal(world.host.heard().length, sent);
  assert.ok(!world.ended);
});

Deno.test("other clients do not notice that one floods", () => {
  using world = busyWorld();
  const { client } = world;
  using other = busyWorld({ loop: world.loop });
  world.host.deaf = true;
  flood(world, client.encode(4, "wl_surface.damage", DAMAGE));
  other.client.commit(4);
  other.host.mustHear("wl_surface@4.commit()");
});

Deno.test("a client that floods still hears its events", () => {
  using world = busyWorld();
  const { host } = world;
  host.deaf = true;
  const request = world.client.encode(4, "wl_surface.damage", DAMAGE);
  while (world.client.tryBytes(request) > 0) world.settle();
  host.say(7, "wl_pointer.motion", MOTION);
  world.client.mustHear("wl_pointer@7.motion(1, 2, 3)");
});

Deno.test("descriptors that the host does not take stop the client long before there are too many", () => {
  using world = busyWorld();
  world.host.deaf = true;
  const before = openFdCount();
  let id = 8;
  // All of them are few bytes: without a limit for descriptors all would be
  // taken out of the socket.
  for (let batch = 0; batch < 20; batch++) {
    const pool = { id, fd: -1, size: 4096 };
    const request = world.client.encode(5, "wl_shm.create_pool", pool);
    world.client.bytes(series(request, 2, 200), memoryFiles(200));
    id += 200;
    world.settle();
  }
  assert.ok(
    openFdCount() - before < 1200,
    `${openFdCount() - before} are open`,
  );
  assert.ok(!world.ended);
});

Deno.test("a client that reads late gets every event", () => {
  using world = busyWorld();
  world.client.deaf = true;
  const event = world.host.encode(7, "wl_pointer.motion", MOTION);
  const batch = repeated(event, 4096);
  for (let i = 0; i < 20; i++) {
    world.host.bytes(batch);
    world.settle();
  }
  world.client.deaf = false;
  assert.equal(world.client.heard().length, 20 * 4096);
  assert.ok(!world.ended);
});

Deno.test("a client that never reads is ended at 16 MiB, the reason in the log, and the others live", () => {
  using world = busyWorld();
  using other = busyWorld({ loop: world.loop });
  world.client.deaf = true;
  const event = world.host.encode(7, "wl_pointer.motion", MOTION);
  const batch = repeated(event, 6000);
  let sent = 0;
  while (!world.ended && sent < 1 << 25) {
    world.host.bytes(batch);
    sent += batch.length;
    world.settle();
  }
  assert.ok(sent > 16 << 20 && sent < 17 << 20, `${sent} bytes`);
  world.logMustMatch(
    /^client ended: it stopped reading \(\d+ bytes of events queued\); is it stopped or hung\?$/,
  );
  other.host.say(7, "wl_pointer.motion", MOTION);
  other.client.mustHear("wl_pointer@7.motion(1, 2, 3)");
  assert.ok(!other.ended);
});

Deno.test("the last words to a client that never reads are given up after a while", () => {
  using world = busyWorld();
  world.client.deaf = true;
  const event = world.host.encode(7, "wl_pointer.motion", MOTION);
  const batch = repeated(event, 6000);
  while (!world.ended) {
    world.host.bytes(batch);
    world.settle();
  }
  world.pass(4_999);
  assert.equal(world.loop.watchCount, 1);
  world.pass(1);
  assert.equal(world.loop.watchCount, 0);
  assert.equal(world.loop.timerCount, 0);
});

Deno.test("a client that makes us talk and never reads is ended, though its host says nothing", () => {
  using world = busyWorld();
  world.client.deaf = true;
  for (let registry = 8; !world.ended && registry < 300_000;) {
    const request = world.client.encode(1, "wl_display.get_registry", {
      registry,
    });
    world.client.bytes(series(request, 2, 1000));
    registry += 1000;
    world.settle();
  }
  world.logMustMatch(/^client ended: it stopped reading/);
});

Deno.test("a client that does not take its descriptors is ended before they are too many", () => {
  using world = busyWorld();
  world.client.say(6, "wl_seat.get_keyboard", { id: 8 });
  world.forget();
  const before = openFdCount();
  world.client.deaf = true;
  let sent = 0;
  const event = world.host.encode(8, "wl_keyboard.keymap", {
    format: 1,
    fd: -1,
    size: 4096,
  });
  while (!world.ended && sent < 20_000) {
    const fds = memoryFiles(100);
    world.host.bytes(repeated(event, fds.length), fds);
    sent += fds.length;
    world.settle();
  }
  assert.ok(world.ended, `${sent} were sent`);
  world.logMustMatch(
    /^client ended: it stopped reading \(\d+ file descriptors queued/,
  );
  world.pass(5_000);
  assert.ok(openFdCount() <= before);
});

Deno.test("what a client said before it left reaches a host that reads late", () => {
  using world = busyWorld();
  world.host.deaf = true;
  const request = world.client.encode(4, "wl_surface.damage", DAMAGE);
  let sent = 0;
  while (sent < 20_000 && world.client.tryBytes(request) > 0) {
    sent++;
    world.settle();
  }
  world.client[Symbol.dispose]();
  world.settle();
  assert.ok(!world.ended);
  world.host.deaf = false;
  assert.equal(world.host.heard().length, sent);
  assert.ok(world.ended && world.host.closed);
});
