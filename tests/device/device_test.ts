/** A device is taken for what it can do, and what it lacks is said in words. */
import { EmulatedDevice } from "../emulator/emulated_device.ts";
import assert from "node:assert/strict";
import type { DeviceParameter } from "../../src/virtgpu/device.ts";
import {
  examineNode,
  NoDeviceError,
} from "../../src/virtgpu/find/find_device.ts";
import {
  ScriptedMachine,
  type ScriptedOptions,
} from "./support/scripted_machine.ts";

/** What an opened node of such a machine is found to be. */
function examine(options: ScriptedOptions): ReturnType<typeof examineNode> {
  using world = new ScriptedMachine(options);
  using device = new EmulatedDevice(world.machine);
  const node = examineNode(device);
  assert.equal(device.context, null, "looking makes no context");
  return node;
}

Deno.test("a machine with a cross-domain Wayland channel is usable", () => {
  const { capabilities, hasGpu } = examine({});
  assert.deepEqual(capabilities, {
    version: 1,
    channels: 2,
    allocatesDmabuf: false,
  });
  assert.equal(hasGpu, false);
});

Deno.test("other capability sets beside cross-domain mean a GPU", () => {
  const parameters = { SUPPORTED_CAPSET_IDS: 1 << 5 | 1 << 2 };
  assert.equal(examine({ parameters }).hasGpu, true);
});

const needed: readonly DeviceParameter[] = [
  "3D_FEATURES",
  "CAPSET_QUERY_FIX",
  "RESOURCE_BLOB",
  "HOST_VISIBLE",
  "CONTEXT_INIT",
];
for (const parameter of needed) {
  for (const value of [0, null]) {
    Deno.test(`a device whose ${parameter} is ${value} is refused, by name`, () => {
      assert.throws(
        () => examine({ parameters: { [parameter]: value } }),
        (error) =>
          error instanceof NoDeviceError && error.message.includes(parameter),
      );
    });
  }
}

Deno.test("a host without cross-domain contexts is refused", () => {
  assert.throws(() => examine({ capset: null }), /no cross-domain context/);
  assert.throws(
    () => examine({ parameters: { SUPPORTED_CAPSET_IDS: 1 << 2 } }),
    /no cross-domain context/,
  );
});

Deno.test("a host whose contexts have other channels only is refused", () => {
  assert.throws(
    () => examine({ capset: [1, 1 << 16, 0, 0] }),
    /Wayland channel/,
  );
});
