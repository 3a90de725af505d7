/**
 * GPU buffers of the guest through the real virtio-gpu code, on an emulated
 * device whose host has a GPU.
 */
import assert from "node:assert/strict";
import { duplicateFd, readFdAt, writeFd } from "../../ffi/fd.ts";
import { createMemfd } from "../../ffi/memfd.ts";
import { mapFile } from "../../ffi/mapping.ts";
import { type DeviceClient, DeviceWorld } from "./support/device_world.ts";

const CROSS_DOMAIN = 1 << 5;
const VIRGL2 = 1 << 2;
const VENUS = 1 << 4;
const NATIVE_CONTEXT = 1 << 6;

const XR24 = 0x34325258;
const SHAPE = { width: 16, height: 16, format: XR24, flags: 0 };
const LINEAR = 0n;
const TILED = 0x0100_0000_0000_0002n;

const globals = [[9, "zwp_linux_dmabuf_v1", 5]] as const;

/** A guest whose device has these capability sets. */
function guest(capsets: number): DeviceWorld {
  return new DeviceWorld({
    parameters: { ["SUPPORTED_CAPSET_IDS"]: CROSS_DOMAIN | capsets },
  });
}

/** A client with `zwp_linux_dmabuf_v1` (3) and parameters (4). */
function gpuClient(world: DeviceWorld): DeviceClient {
  const guest = world.addReady(globals);
  guest.bind(9, "zwp_linux_dmabuf_v1", 5, 3);
  guest.client.say(3, "zwp_linux_dmabuf_v1.create_params", { "params_id": 4 });
  guest.forget();
  return guest;
}

Deno.test("a guest without a GPU is not offered GPU buffers", () => {
  using world = guest(0);
  const guestClient = world.addReady(globals);
  guestClient.client.say(1, "wl_display.get_registry", { registry: 3 });
  assert.doesNotMatch(guestClient.heard().join(), /dmabuf/);
});

Deno.test("a buffer of the guest's GPU is the same memory for the host's compositor", () => {
  using world = guest(VIRGL2);
  const { client, host } = gpuClient(world);
  using memory = world.machine.createGpuMemory(4096);
  using pixels = mapFile(memory.number, 4096, "write");
  client.addPlane(4, { fd: duplicateFd(memory.number).release(), stride: 64 });
  client.say(4, "zwp_linux_buffer_params_v1.create_immed", {
    "buffer_id": 5,
    ...SHAPE,
  });
  world.settle();
  assert.deepEqual(host.heard(), [
    "zwp_linux_buffer_params_v1@4.add(fd, 0, 0, 64, 0, 0)",
    `zwp_linux_buffer_params_v1@4.create_immed(new wl_buffer@5, 16, 16, ${XR24}, 0)`,
  ]);
  pixels.bytes.fill(77);
  const seen = new Uint8Array(16);
  assert.equal(readFdAt(host.receivedFds[0] ?? -1, seen, 0), 16);
  assert.ok(seen.every((byte) => byte === 77));
  assert.deepEqual(world.machine.violations, []);
});

Deno.test("a buffer that is not the guest GPU's fails, and the connection lives", () => {
  using world = guest(VIRGL2);
  const gpu = gpuClient(world);
  const foreign = createMemfd("foreign", 4096);
  gpu.client.addPlane(4, { fd: foreign.release(), stride: 64 });
  gpu.client.say(4, "zwp_linux_buffer_params_v1.create", SHAPE);
  assert.deepEqual(gpu.heard(), ["zwp_linux_buffer_params_v1@4.failed()"]);
  assert.ok(!gpu.ended);
});

/**
 * The numbers of the entries of the host's table, XR24 linear and XR24 tiled,
 * that the client gets.
 */
function offered(capsets: number): number[] {
  using world = guest(capsets);
  const { client, host } = gpuClient(world);
  client.say(3, "zwp_linux_dmabuf_v1.get_default_feedback", { id: 5 });
  world.settle();
  host.heard();
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  [LINEAR, TILED].forEach((modifier, i) => {
    view.setUint32(i * 16, XR24, true);
    view.setBigUint64(i * 16 + 8, modifier, true);
  });
  const table = createMemfd("table", 32);
  writeFd(table.number, bytes);
  const feedback = "zwp_linux_dmabuf_feedback_v1";
  host.say(5, `${feedback}.format_table`, { fd: table.release(), size: 32 });
  host.say(5, `${feedback}.main_device`, { device: new Uint8Array(8) });
  host.say(5, `${feedback}.tranche_formats`, {
    indices: Uint8Array.of(0, 0, 1, 0),
  });
  host.say(5, `${feedback}.tranche_done`);
  world.settle();
  client.heard();
  const [device, , indices] = client.arrays;
  assert.deepEqual(
    device,
    new Uint8Array(
      BigUint64Array.of(world.clients[0]?.device.deviceNumber ?? 0n).buffer,
    ),
  );
  return [...new Uint16Array(indices?.buffer ?? new ArrayBuffer(0))];
}

Deno.test("a guest with virgl is offered linear buffers of its own device", () => {
  assert.deepEqual(offered(VIRGL2), [0]);
});

Deno.test("a guest with the host GPU's own driver is offered all of the host's layouts", () => {
  for (const capsets of [NATIVE_CONTEXT, VIRGL2 | NATIVE_CONTEXT, VENUS]) {
    assert.deepEqual(offered(capsets), [0, 1]);
  }
});

Deno.test("a guest that draws with virgl beside Venus is offered linear buffers: one table is for both", () => {
  assert.deepEqual(offered(VIRGL2 | VENUS), [0]);
});
