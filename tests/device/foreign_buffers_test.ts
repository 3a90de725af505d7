/**
 * Which dma-bufs the guest's GPU has made, on a kernel that takes those of
 * other devices as well, and where nobody can tell.
 */
import assert from "node:assert/strict";
import { SyscallError } from "../../ffi/error.ts";
import { ENOENT } from "../../ffi/errno.ts";
import { createMemfd } from "../../ffi/memfd.ts";
import { VirtgpuGpu } from "../../src/host/virtgpu/gpu.ts";
import { Handles } from "../../src/virtgpu/handles.ts";
import { EmulatedDevice } from "../emulator/emulated_device.ts";
import { withFreeDescriptors } from "../support/free_descriptors.ts";
import {
  ScriptedMachine,
  type ScriptedOptions,
} from "./support/scripted_machine.ts";

/**
 * An opened device, and what its GPU says of buffers whose drivers are told by
 * `exporter`.
 */
class OpenedDevice extends ScriptedMachine {
  readonly device: EmulatedDevice;
  readonly handles: Handles;

  constructor(options: ScriptedOptions = {}) {
    super(options);
    this.device = new EmulatedDevice(this.machine);
    this.device.contextInit({ capset: 5, rings: 2, polledRings: 2 });
    this.handles = new Handles(this.device);
  }

  gpu(exporter?: (fd: number) => string | null): VirtgpuGpu {
    return exporter === undefined
      ? new VirtgpuGpu(this.device, this.handles)
      : new VirtgpuGpu(this.device, this.handles, exporter);
  }
}

Deno.test("the GPU's own buffer is its own, whether or not its driver is told, and no handle stays", () => {
  using world = new OpenedDevice();
  using memory = world.machine.createGpuMemory(4096);
  assert.ok(world.gpu().owns(memory.number));
  assert.ok(world.gpu(() => "virtio_gpu").owns(memory.number));
  assert.equal(world.device.handleCount, 0);
});

Deno.test("a buffer of another device is not, even on a kernel that takes it without a word", () => {
  using world = new OpenedDevice({ importsForeign: true });
  using foreign = createMemfd("foreign", 4096);
  const handle = world.handles.import(foreign.number);
  assert.ok(handle !== null, "the kernel takes it");
  world.handles.release(handle);
  assert.ok(!world.gpu(() => "i915").owns(foreign.number));
  assert.equal(world.device.handleCount, 0);
});

Deno.test("a buffer whose driver cannot be told is not either: the host might not know it", () => {
  using world = new OpenedDevice({ importsForeign: true });
  using foreign = createMemfd("foreign", 4096);
  const withoutProc = world.gpu(() => {
    throw new SyscallError("open /proc", ENOENT);
  });
  assert.ok(!withoutProc.owns(foreign.number));
  const gpu = world.gpu();
  assert.ok(!withFreeDescriptors(0, () => gpu.owns(foreign.number)));
});
