/**
 * The trial whether a host takes memory of the guest, on a device that fails
 * meanwhile: whatever happens to it, clients do not notice.
 */
import assert from "node:assert/strict";
import { EMFILE, ENOMEM } from "../../ffi/errno.ts";
import { SyscallError } from "../../ffi/error.ts";
import type { VirtgpuHost } from "../../src/host/virtgpu/host.ts";
import { EmulatedDevice } from "../emulator/emulated_device.ts";
import { hostProfile } from "../emulator/host_profile.ts";
import type { Machine } from "../emulator/machine.ts";
import type { ScriptedHost } from "../support/scripted_host.ts";
import { message } from "../support/words.ts";
import { CompositorScript } from "./support/compositor_script.ts";
import { emulatedHost } from "./support/emulated_host.ts";
import { ScriptedMachine } from "./support/scripted_machine.ts";

/** Globals, told to a registry 2, whether or not somebody has made it. */
const SEAT = message(2, 0, 1, "wl_seat", 1);
const SHM = message(2, 0, 2, "wl_shm", 1);

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

/**
 * Has two messages come on the client's connection; QEMU signals the fences of
 * all others with the second.
 */
function disturb(world: ScriptedMachine): void {
  for (let i = 0; i < 2; i++) {
    world.peer(0).bytes(SEAT);
    world.settle();
  }
}

/** Connects a client, whose compositor says something. */
function greetClient(world: ScriptedMachine, host: VirtgpuHost): Disposable {
  const client = host.connect();
  client.attach({ received: () => {}, sent: () => {}, ended: () => {} });
  world.peers.at(-1)?.bytes(SEAT);
  world.settle();
  return client;
}

/** Lets the trial's compositor answer, as long as there is one. */
function answer(world: ScriptedMachine): void {
  const [, peer] = world.peers;
  if (peer === undefined) return;
  using compositor = new CompositorScript(peer);
  peer.listen();
  if (!peer.closed) peer.bytes(SHM);
  for (let i = 0; i < 3; i++) {
    disturb(world);
    peer.listen();
    if (!peer.closed) compositor.obey();
    world.pass(20);
  }
}

// INIT, a POLL, the greeting, a POLL for its answer, and what is asked then
for (const submissions of [0, 1, 2, 3, 4, 5, 6, 7]) {
  for (const fences of ["fixed", "stock"] as const) {
    Deno.test(`a trial whose device fails after ${submissions} submissions leaves nothing behind, with ${fences} fences`, () => {
      using world = new ScriptedMachine({
        guestHandles: "taken",
        profile: hostProfile("0.1.85", fences),
      });
      const { machine } = world;
      let opened = 0;
      using host = emulatedHost(machine, () => {
        opened++;
        return new FailingDevice(
          machine,
          opened === 1 ? Infinity : submissions,
        );
      });
      using client = host.connect();
      client.attach({ received: () => {}, sent: () => {}, ended: () => {} });
      world.pass(1);
      assert.equal(opened, 1, "it waits until the compositor answers");
      world.peer(0).bytes(SEAT);
      world.settle();
      world.pass(1);
      assert.equal(opened, 2);
      answer(world);
      world.pass(300);
      assert.equal(host.guestMemory.state, "undecided");
      assert.equal(machine.contexts.size, 1);
    });
  }
}

/** A host whose clients come and go. */
class TrialWorld extends ScriptedMachine {
  readonly host: VirtgpuHost;

  constructor(guestHandles: "taken" | "refused") {
    super({ guestHandles });
    this.host = emulatedHost(this.machine);
  }

  /**
   * Connects a client, whose compositor says something.
   *
   * @returns the trial's connection, or undefined where there is none
   */
  serveClient(): ScriptedHost | undefined {
    const before = this.peers.length;
    using _client = greetClient(this, this.host);
    this.pass(1);
    return this.peers[before + 1];
  }

  /** What became of a trial whose compositor does what it is asked. */
  decide(peer: ScriptedHost | undefined): string {
    if (peer === undefined) return "not tried";
    using compositor = new CompositorScript(peer);
    peer.listen();
    peer.bytes(SHM);
    for (let i = 0; i < 4; i++) {
      if (!peer.closed) peer.listen();
      if (!peer.closed) compositor.obey();
      this.pass(1);
    }
    return this.host.guestMemory.state;
  }

  override [Symbol.dispose](): void {
    this.host[Symbol.dispose]();
    super[Symbol.dispose]();
  }
}

for (
  const [name, befall] of [
    ["that was not answered", (world: TrialWorld) => world.pass(6_000)],
    [
      "whose connection was lost",
      (_world: TrialWorld, peer: ScriptedHost) => peer[Symbol.dispose](),
    ],
    [
      "whose compositor was full",
      (_world: TrialWorld, peer: ScriptedHost) => peer.error(1, 2, "no memory"),
    ],
  ] as const
) {
  Deno.test(`a trial ${name} is made again with the next client`, () => {
    using world = new TrialWorld("taken");
    const first = world.serveClient();
    assert.ok(first !== undefined);
    first.listen();
    befall(world, first);
    world.settle();
    world.pass(1);
    assert.equal(world.host.guestMemory.state, "undecided");
    assert.equal(world.machine.contexts.size, 0);
    assert.equal(world.decide(world.serveClient()), "taken");
    assert.equal(world.decide(world.serveClient()), "not tried");
  });
}

Deno.test("what the host has refused it is not asked again", () => {
  using world = new TrialWorld("refused");
  assert.equal(world.decide(world.serveClient()), "refused");
  assert.equal(world.decide(world.serveClient()), "not tried");
});

Deno.test("where descriptors have run out the trial is made later", () => {
  using world = new TrialWorld("taken");
  let isFull = true;
  using host = emulatedHost(world.machine, (path) => {
    // each client gets one of its own, and nobody the trial's
    if (isFull && world.machine.contexts.size > 0) {
      throw new SyscallError(`open ${path}`, EMFILE);
    }
    return new EmulatedDevice(world.machine);
  });
  for (const state of ["undecided", "trying"]) {
    using _client = greetClient(world, host);
    world.pass(1);
    assert.equal(host.guestMemory.state, state);
    isFull = false;
  }
});
