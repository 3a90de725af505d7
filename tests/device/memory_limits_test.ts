/**
 * What one client gets of the host's memory, and what the others have of it
 * meanwhile.
 */
import assert from "node:assert/strict";
import { createMemfd } from "../../ffi/memfd.ts";
import { PIECES_PER_TURN } from "../../src/relay/features/backing/memory_budget.ts";
import { DeviceWorld } from "./support/device_world.ts";
import { type Window, Windows } from "./support/windows.ts";

const CROSS_DOMAIN = 1 << 5;
const VIRGL2 = 1 << 2;
const XR24 = 0x34325258;

Deno.test("a client that asks for many pieces of the host's memory at once gets a few in each turn, and others go on", () => {
  using world = new DeviceWorld();
  const other = world.addReady();
  const client = world.addReady([[9, "xdg_toplevel_icon_manager_v1", 1]]);
  using windows = new Windows(world, client);
  const window = windows.open(1, 1);
  const icon = windows.createIcon(9);
  windows.settle();
  other.forget();
  const { resources } = world.machine.census();
  windows.fillIcon(icon, window, 100);
  other.client.say(1, "wl_display.sync", { callback: 3 });
  const made: number[] = [];
  let answered = Infinity;
  for (let turn = 1; made.at(-1) !== 100 && turn < 200; turn++) {
    world.loop.turn(0);
    for (const peer of world.peers) peer.listen();
    made.push(world.machine.census().resources - resources);
    const isHeard = other.host.heard().some((line) => line.includes("sync"));
    if (isHeard) answered = Math.min(answered, turn);
  }
  assert.equal(made.at(-1), 100);
  const steps = made.map((count, i) => count - (made[i - 1] ?? 0));
  assert.ok(Math.max(...steps) <= PIECES_PER_TURN, steps.join(" "));
  assert.ok(answered < 10, `the other was heard in turn ${answered}`);
  assert.deepEqual(client.log, []);
});

/** The client shows a buffer that the host cannot be given. */
function showRefused(windows: Windows, window: Window): void {
  const { client } = windows.client;
  const dmabuf = windows.nextId();
  const params = windows.nextId();
  const buffer = windows.nextId();
  client.bind(9, "zwp_linux_dmabuf_v1", 5, dmabuf);
  client.say(dmabuf, "zwp_linux_dmabuf_v1.create_params", {
    "params_id": params,
  });
  const plane = createMemfd("foreign", 4096).release();
  client.addPlane(params, { fd: plane, stride: 40 });
  client.say(params, "zwp_linux_buffer_params_v1.create_immed", {
    "buffer_id": buffer,
    width: window.width,
    height: window.height,
    format: XR24,
    flags: 0,
  });
  client.attach(window.surface, buffer);
  client.damageBuffer(window.surface, [0, 0, 10, 10]);
  client.say(window.surface, "wl_surface.commit");
}

/** The client changes one pixel, and says so. */
function touch(windows: Windows, window: Window, byte: number): void {
  const { client } = windows.client;
  window.memory.bytes.fill(byte, 0, 4);
  client.attach(window.surface, window.buffer);
  client.damageBuffer(window.surface, [0, 0, 1, 1]);
  client.say(window.surface, "wl_surface.commit");
}

Deno.test("a window that shows shared memory again after a refused GPU buffer shows all of it, in both of its shadows", () => {
  using world = new DeviceWorld({
    parameters: { ["SUPPORTED_CAPSET_IDS"]: CROSS_DOMAIN | VIRGL2 },
  });
  const client = world.addReady([[9, "zwp_linux_dmabuf_v1", 5]]);
  using windows = new Windows(world, client);
  const window = windows.open(10, 10);
  for (const byte of [8, 9]) windows.show(window, byte);
  showRefused(windows, window);
  windows.settle();
  window.memory.bytes.fill(2);
  for (const byte of [3, 4]) {
    touch(windows, window, byte);
    const heard = windows.settle();
    const pixels = windows.compositor.pixels();
    assert.deepEqual([pixels[0], pixels.at(-1)], [byte, 2]);
    const isToldOfAll = heard.some((line) =>
      line.includes(".damage(0, 0, 2147483647, 2147483647)")
    );
    assert.equal(isToldOfAll, byte === 3, "the host looks at all of it, once");
  }
});
