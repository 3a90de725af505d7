/** Buffers that programs here make with the GPU: the host gets the very same memory, and buffers of other devices fail as the protocol lets them. */
import assert from "node:assert/strict";
import { closeFd, duplicateFd, type OwnedFd } from "../../ffi/fd.ts";
import { createMemfd } from "../../ffi/memfd.ts";
import { fileIdentity } from "../emulator/dma_bufs.ts";
import { hostProfile, rutabagas } from "../emulator/host_profile.ts";
import { usualGlobals } from "../scenario/support/world.ts";
import { type DeviceClient, DeviceWorld } from "./support/device_world.ts";
import type { ScriptedOptions } from "./support/scripted_machine.ts";

const XRGB8888 = 0x3432_5258;

/** A machine with a GPU and a client that has bound `zwp_linux_dmabuf_v1` as its object 3. */
function gpuWorld(
  options: ScriptedOptions = {},
): { world: DeviceWorld; one: DeviceClient } {
  const parameters = { SUPPORTED_CAPSET_IDS: 1 << 5 | 1 << 4 };
  const world = new DeviceWorld({ ...options, parameters });
  const one = world.addReady([...usualGlobals, [7, "zwp_linux_dmabuf_v1", 3]]);
  one.bind(7, "zwp_linux_dmabuf_v1", 3, 3);
  one.forget();
  return { world, one };
}

/** Makes a buffer of these planes as the client's objects `id` and `id + 1`. */
function makeBuffer(
  { client }: DeviceClient,
  id: number,
  planes: readonly OwnedFd[],
): void {
  client.say(3, "zwp_linux_dmabuf_v1.create_params", id);
  for (const [index, plane] of planes.entries()) {
    client.say(
      id,
      "zwp_linux_buffer_params_v1.add",
      duplicateFd(plane.number).release(),
      index,
      4096 * index,
      256,
      0,
      0,
    );
  }
  client.say(
    id,
    "zwp_linux_buffer_params_v1.create_immed",
    id + 1,
    64,
    16,
    XRGB8888,
    0,
  );
  client.say(id, "zwp_linux_buffer_params_v1.destroy");
}

for (const rutabaga of rutabagas) {
  Deno.test(`${rutabaga}: a buffer of the GPU reaches the host as it is, and leaves no handle behind`, () => {
    const { world, one } = gpuWorld({
      profile: hostProfile(rutabaga, "fixed"),
    });
    using _world = world;
    const before = world.machine.census();
    using buffer = world.machine.createGpuMemory(8192);
    makeBuffer(one, 4, [buffer]);
    world.settle();
    assert.equal(
      one.host.heard().filter((line) =>
        line.startsWith("zwp_linux_buffer_params_v1@")
      ).length,
      3,
    );
    const [fd = -1] = one.host.receivedFds;
    assert.equal(fileIdentity(fd), fileIdentity(buffer.number));
    assert.equal(world.machine.census().handles, before.handles);
    assert.deepEqual(world.machine.log, []);
  });

  Deno.test(`${rutabaga}: planes of one dma-buf do not close it for each other`, () => {
    const { world, one } = gpuWorld({
      profile: hostProfile(rutabaga, "fixed"),
    });
    using _world = world;
    const { handles } = world.machine.census();
    using buffer = world.machine.createGpuMemory(16_384);
    for (const id of [4, 6, 8]) makeBuffer(one, id, [buffer, buffer, buffer]);
    world.settle();
    const files = one.host.receivedFds.map(fileIdentity);
    assert.deepEqual(files, new Array(9).fill(fileIdentity(buffer.number)));
    assert.equal(world.machine.census().handles, handles);
    assert.equal(one.ended, false);
    assert.deepEqual(world.machine.log, []);
  });
}

Deno.test("a buffer of another device fails, and its client lives", () => {
  const { world, one } = gpuWorld();
  using _world = world;
  using foreign = createMemfd("of another device", 4096);
  makeBuffer(one, 4, [foreign]);
  world.settle();
  assert.ok(one.client.heard().some((line) => line.includes(".failed(")));
  assert.deepEqual(one.host.receivedFds, []);
  assert.equal(one.ended, false);
  using buffer = world.machine.createGpuMemory(4096);
  makeBuffer(one, 6, [buffer]);
  world.settle();
  assert.equal(one.host.receivedFds.length, 1);
});

Deno.test("without a GPU nobody hears of GPU buffers", () => {
  using world = new DeviceWorld();
  const one = world.addClient();
  world.settle();
  one.host.heard();
  one.host.say(2, "wl_registry.global", 7, "zwp_linux_dmabuf_v1", 5);
  one.host.say(3, "wl_callback.done", 0);
  one.client.say(1, "wl_display.get_registry", 2);
  world.settle();
  assert.ok(!one.client.heard().join().includes("dmabuf"));
});

Deno.test("memory of the GPU lives as long as somebody holds its dma-buf", () => {
  const { world, one } = gpuWorld();
  using _world = world;
  const { resources } = world.machine.census();
  const buffer = world.machine.createGpuMemory(4096);
  makeBuffer(one, 4, [buffer]);
  world.settle();
  for (const fd of one.host.receivedFds.splice(0)) closeFd(fd);
  assert.equal(world.machine.census().resources, resources + 1);
  one.client.say(5, "wl_buffer.destroy");
  world.settle();
  buffer[Symbol.dispose]();
  assert.equal(world.machine.census().resources, resources);
});
