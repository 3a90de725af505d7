/** Messages in pieces of any size, and many in one piece. */
import assert from "node:assert/strict";
import { memoryFile } from "../support/descriptors.ts";
import { join, repeated, series } from "../support/words.ts";
import { RelayWorld } from "../support/relay_world.ts";

const DAMAGE = { x: 1, y: 2, width: 3, height: 4 };

/** A client with a window and a pool manager 8. */
function windowWorld(): RelayWorld {
  const world = RelayWorld.withWindow();
  world.bind(2, "wl_shm", 1, 8);
  world.forget();
  return world;
}

function someRequests(world: RelayWorld): Uint8Array {
  return join(
    world.client.encode(4, "wl_surface.damage", DAMAGE),
    world.client.encode(7, "xdg_toplevel.set_title", { title: "odd length" }),
    world.client.encode(4, "wl_surface.attach", { buffer: null, x: 0, y: 0 }),
    world.client.encode(4, "wl_surface.commit"),
  );
}

const someRequestsHeard = [
  "wl_surface@4.damage(1, 2, 3, 4)",
  'xdg_toplevel@7.set_title("odd length")',
  "wl_surface@4.attach(nil, 0, 0)",
  "wl_surface@4.commit()",
];

function someEvents(world: RelayWorld): Uint8Array {
  return join(
    world.host.encode(7, "xdg_toplevel.configure", {
      width: 1,
      height: 2,
      states: Uint8Array.of(1, 2, 3),
    }),
    world.host.encode(6, "xdg_surface.configure", { serial: 5 }),
    world.host.encode(7, "xdg_toplevel.close"),
  );
}

const someEventsHeard = [
  "xdg_toplevel@7.configure(1, 2, array[3])",
  "xdg_surface@6.configure(5)",
  "xdg_toplevel@7.close()",
];

Deno.test("requests and events arrive whole when they come byte by byte", () => {
  using world = windowWorld();
  for (const byte of someRequests(world)) {
    world.client.bytes(Uint8Array.of(byte));
    world.settle();
  }
  for (const byte of someEvents(world)) {
    world.host.bytes(Uint8Array.of(byte));
    world.settle();
  }
  assert.deepEqual(world.host.heard(), someRequestsHeard);
  assert.deepEqual(world.client.heard(), someEventsHeard);
});

Deno.test("requests and events arrive whole when they are split in two at any byte", () => {
  using world = windowWorld();
  const requests = someRequests(world);
  for (let split = 1; split < requests.length; split++) {
    world.client.bytes(requests.subarray(0, split));
    world.settle();
    world.client.bytes(requests.subarray(split));
    assert.deepEqual(world.host.heard(), someRequestsHeard, `at ${split}`);
  }
  const events = someEvents(world);
  for (let split = 1; split < events.length; split++) {
    world.host.bytes(events.subarray(0, split));
    world.settle();
    world.host.bytes(events.subarray(split));
    assert.deepEqual(world.client.heard(), someEventsHeard, `at ${split}`);
  }
});

Deno.test("a message is not touched before it is whole", () => {
  using world = windowWorld();
  const request = world.client.encode(4, "wl_surface.damage", DAMAGE);
  world.client.bytes(request.subarray(0, request.length - 1));
  world.host.mustHearNothing();
  world.client.bytes(request.subarray(request.length - 1));
  world.host.mustHear("wl_surface@4.damage(1, 2, 3, 4)");
});

Deno.test("a descriptor may come with any byte of its message, or long before it", () => {
  using world = windowWorld();
  const pool = { id: 9, fd: -1, size: 4096 };
  const request = world.client.encode(8, "wl_shm.create_pool", pool);
  world.client.bytes(request.subarray(0, 11));
  world.settle();
  world.client.bytes(request.subarray(11), [memoryFile()]);
  world.client.bytes(someRequests(world), [memoryFile()]);
  world.settle();
  world.client.createPool(8, { id: 10, fd: memoryFile(), size: 4096 });
  world.host.mustHear(
    "wl_shm@8.create_pool(new wl_shm_pool@9, fd, 4096)",
    ...someRequestsHeard,
    "wl_shm@8.create_pool(new wl_shm_pool@10, fd, 4096)",
  );
  assert.ok(!world.host.fdsWereLate);
});

Deno.test("thousands of messages in one piece arrive in order", () => {
  using world = windowWorld();
  const count = 5_000;
  const damage = { x: 0, y: 0, width: 1, height: 1 };
  const request = world.client.encode(4, "wl_surface.damage", damage);
  world.client.bytes(series(request, 2, count));
  const heard = world.host.heard();
  assert.equal(heard.length, count);
  for (let i = 0; i < count; i++) {
    assert.equal(heard[i], `wl_surface@4.damage(${i}, 0, 1, 1)`);
  }
});

Deno.test("messages of 4096 bytes pass in both directions", () => {
  using world = windowWorld();
  const title = "x".repeat(4083);
  const request = world.client.encode(7, "xdg_toplevel.set_title", { title });
  assert.equal(request.length, 4096);
  const size = { width: 1, height: 2, states: new Uint8Array(4076).fill(7) };
  const event = world.host.encode(7, "xdg_toplevel.configure", size);
  assert.equal(event.length, 4096);
  for (let i = 0; i < 20; i++) {
    world.client.bytes(request);
    world.host.bytes(event);
  }
  world.settle();
  assert.deepEqual(world.host.lastMessage, request);
  assert.deepEqual(world.client.lastMessage, event);
  assert.equal(world.host.heard().length, 20);
  assert.equal(world.client.heard().length, 20);
});

Deno.test("messages in pieces of a prime number of bytes, over and over", () => {
  using world = windowWorld();
  const requests = someRequests(world);
  const all = repeated(requests, 997);
  for (let at = 0; at < all.length; at += 997) {
    world.client.bytes(all.subarray(at, at + 997));
    world.settle();
  }
  const heard = world.host.heard();
  assert.equal(heard.length, 997 * 4);
  assert.deepEqual(heard.slice(-4), someRequestsHeard);
});
