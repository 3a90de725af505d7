/**
 * What a round trip may cost on the device: one SEND, one read of its events,
 * one POLL.
 */
import assert from "node:assert/strict";
import { COMMAND_POLL, COMMAND_SEND } from "../../src/virtgpu/cross_domain.ts";
import type { VirtgpuDevice } from "../../src/virtgpu/device.ts";
import { hostProfile, rutabagas } from "../emulator/host_profile.ts";
import { paces } from "../emulator/worker.ts";
import { CompositorScript } from "./support/compositor_script.ts";
import { DeviceWorld } from "./support/device_world.ts";
import { Windows } from "./support/windows.ts";

/** What the system is asked for a round trip. */
const BUDGET = ["SEND", "read", "POLL"];

/** Notes every request to the device from now on. */
function observe(device: VirtgpuDevice): string[] {
  const calls: string[] = [];
  const note = <A extends unknown[], R>(
    method: (...args: A) => R,
    name: (...args: A) => string,
  ): (...args: A) => R => {
    const bound = method.bind(device);
    return (...args) => {
      calls.push(name(...args));
      return bound(...args);
    };
  };
  Object.assign(device, {
    readEvents: note(device.readEvents, () => "read"),
    executeBuffer: note(
      device.executeBuffer,
      (commands, offset) => commandName(commands.bytes[offset] ?? 0),
    ),
    createBlob: note(device.createBlob, () => "RESOURCE_CREATE_BLOB"),
    map: note(device.map, () => "MAP"),
    primeHandleToFd: note(device.primeHandleToFd, () => "PRIME_HANDLE_TO_FD"),
    primeFdToHandle: note(device.primeFdToHandle, () => "PRIME_FD_TO_HANDLE"),
    resourceInfo: note(device.resourceInfo, () => "RESOURCE_INFO"),
    wait: note(device.wait, () => "WAIT"),
    closeHandle: note(device.closeHandle, () => "GEM_CLOSE"),
  });
  return calls;
}

function commandName(command: number): string {
  if (command === COMMAND_SEND) return "SEND";
  return command === COMMAND_POLL ? "POLL" : `command ${command}`;
}

for (const rutabaga of rutabagas) {
  for (const pace of paces) {
    const options = { profile: hostProfile(rutabaga, "fixed"), pace };
    const host = `${rutabaga}, ${pace}`;

    Deno.test(`${host}: a round trip is one SEND, one read and one POLL`, () => {
      using world = new DeviceWorld(options);
      const client = world.addReady();
      using compositor = new CompositorScript(client.host);
      const calls = observe(client.device);
      // More than the meter takes without an answer: what it asks goes along.
      for (let i = 0; i < 200; i++) {
        client.client.say(1, "wl_display.sync", { callback: 3 + i });
        world.settle();
        compositor.obey();
        world.settle();
        assert.equal(client.client.heard().length, 2, "done, delete_id");
        assert.deepEqual(calls.splice(0), BUDGET);
      }
    });

    Deno.test(`${host}: a frame is one SEND, one read and one POLL, once its window has been shown`, () => {
      using world = new DeviceWorld(options);
      using windows = new Windows(world);
      const window = windows.open(640, 480);
      // As many as it takes until the host releases one for each.
      for (let i = 0; i < 3; i++) {
        windows.show(window, i);
      }
      const [client] = world.clients;
      assert.ok(client !== undefined);
      const calls = observe(client.device);
      for (let i = 0; i < 100; i++) {
        windows.show(window, i);
        assert.deepEqual(calls.splice(0), BUDGET);
      }
    });
  }
}
