/**
 * An emulated machine whose compositor is a script: each context that connects
 * gets a peer.
 */
import assert from "node:assert/strict";
import { socketPair } from "../../../ffi/unix_socket.ts";
import type { Faults } from "../../emulator/faults.ts";
import { Machine, type MachineOptions } from "../../emulator/machine.ts";
import { hostProfile } from "../../emulator/host_profile.ts";
import { ManualLoop } from "../../support/manual_loop.ts";
import { type ClientIds, ScriptedHost } from "../../support/scripted_host.ts";

/** What a scripted machine needs not be told. */
export type ScriptedOptions = Partial<Omit<MachineOptions, "connect" | "loop">>;

export class ScriptedMachine implements Disposable {
  readonly loop = new ManualLoop();
  readonly machine: Machine;
  /** The compositor's ends, in the order of the connections. */
  readonly peers: ScriptedHost[] = [];

  constructor(options: ScriptedOptions = {}) {
    this.machine = new Machine({
      profile: hostProfile("0.1.85", "fixed"),
      ...options,
      loop: this.loop,
      connect: () => {
        const [guest, host] = socketPair();
        const index = this.peers.length;
        this.peers.push(new ScriptedHost(host, this.clientIds(index)));
        return guest;
      },
    });
  }

  peer(index = 0): ScriptedHost {
    const peer = this.peers[index];
    if (peer === undefined) throw new Error(`no connection ${index}`);
    return peer;
  }

  /** What goes wrong, from now on. */
  get faults(): Faults {
    return this.machine.faults;
  }

  /**
   * Fails where the host has written to its log, or a real VM would have
   * crashed, hung or stalled.
   */
  assertSound(): void {
    const { log, violations, queue } = this.machine;
    assert.deepEqual({ log, violations }, { log: [], violations: [] });
    assert.equal(queue.stalls, 0);
  }

  pass(milliseconds: number): void {
    this.loop.pass(milliseconds, () => this.settle());
    this.settle();
  }

  /** Turns until nothing happens any more. */
  settle(): void {
    while (this.loop.turn(0) > 0);
  }

  /** How the host of a connection finds a client's objects. */
  protected clientIds(_connection: number): ClientIds | null {
    return null;
  }

  [Symbol.dispose](): void {
    this.machine[Symbol.dispose]();
    for (const peer of this.peers) peer[Symbol.dispose]();
    this.loop[Symbol.dispose]();
  }
}
