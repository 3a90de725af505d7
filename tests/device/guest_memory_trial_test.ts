/** The trial whether a host takes memory of the guest, on a device that fails meanwhile: whatever happens to it, clients do not notice. */
import assert from "node:assert/strict";
import { ENOMEM } from "../../ffi/errno.ts";
import { SyscallError } from "../../ffi/error.ts";
import { VirtgpuHost } from "../../src/host/virtgpu_host.ts";
import { examineNode } from "../../src/virtgpu/find_device.ts";
import { EmulatedDevice } from "../emulator/emulated_device.ts";
import { type Fences, hostProfile } from "../emulator/host_profile.ts";
import type { Machine } from "../emulator/machine.ts";
import { CompositorScript } from "./support/compositor_script.ts";
import { ScriptedMachine } from "./support/scripted_machine.ts";

/** A device that takes a few submissions and no more. */
class FailingDevice extends EmulatedDevice {
  #left: number;

  constructor(machine: Machine, submissions: number) {
    super(machine);
    this.#left = submissions;
  }

  override executeBuffer(
    ...submission: Parameters<EmulatedDevice["executeBuffer"]>
  ): void {
    if (this.#left-- <= 0) throw new SyscallError("EXECBUFFER", ENOMEM);
    super.executeBuffer(...submission);
  }
}

/** Has two messages come on the client's connection; QEMU signals the fences of all others with the second. */
function disturb(world: ScriptedMachine): void {
  for (let i = 0; i < 2; i++) {
    world.peer(0).say(2, "wl_registry.global", 1, "wl_seat", 1);
    world.settle();
  }
}

/** Lets the trial's compositor answer, as long as there is one. */
function answer(world: ScriptedMachine): void {
  const [, peer] = world.peers;
  if (peer === undefined) return;
  using compositor = new CompositorScript(peer);
  peer.listen();
  if (!peer.closed) peer.say(2, "wl_registry.global", 2, "wl_shm", 1);
  for (let i = 0; i < 3; i++) {
    disturb(world);
    peer.listen();
    if (!peer.closed) compositor.obey();
    world.pass(20);
  }
}

// INIT, a POLL, the greeting, a POLL for its answer, and what is asked then
for (const submissions of [0, 1, 2, 3, 4, 5, 6, 7]) {
  for (const fences of ["fixed", "stock"] satisfies Fences[]) {
    Deno.test(`a trial whose device fails after ${submissions} submissions leaves nothing behind, with ${fences} fences`, () => {
      using world = new ScriptedMachine({
        guestHandles: "taken",
        profile: hostProfile("0.1.85", fences),
      });
      const { machine, loop } = world;
      let opened = 0;
      using host = new VirtgpuHost(loop, {
        find: () => {
          using device = new EmulatedDevice(machine);
          return examineNode(device);
        },
        open: () => {
          opened++;
          return new FailingDevice(
            machine,
            opened === 1 ? Infinity : submissions,
          );
        },
      });
      using client = host.connect();
      world.pass(1);
      client.attach({ received: () => {}, sent: () => {}, ended: () => {} });
      assert.equal(opened, 2);
      answer(world);
      world.pass(300);
      assert.equal(host.guestMemory.state, "refused");
      assert.equal(machine.contexts.size, 1);
    });
  }
}
