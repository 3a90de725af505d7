/** A channel with somebody who writes down what arrives. */
import {
  type Channel,
  type ChannelHandler,
  openChannel,
  type ReceivedIdentifier,
} from "../../../src/virtgpu/channel.ts";
import type { Wakeups } from "../../../src/virtgpu/wakeups.ts";
import { EmulatedDevice } from "../../emulator/emulated_device.ts";
import type { ScriptedMachine } from "./scripted_machine.ts";

/** What is sent without descriptors. */
const NOTHING_BESIDE = {
  count: 0,
  identifiers: new Int32Array(0),
  types: new Int32Array(0),
};

export class Listener implements ChannelHandler, Disposable {
  readonly channel: Channel;
  readonly device: EmulatedDevice;
  text = "";
  /** How many bytes came before each identifier, and what it is. */
  readonly identifiers: ReceivedIdentifier[] = [];
  /** What each pipe brought; ended ones are in `endedPipes`. */
  readonly pipes = new Map<number, string>();
  readonly endedPipes: number[] = [];
  /** Why nothing arrives any more; undefined while it may. */
  end: string | null | undefined;

  constructor(world: ScriptedMachine, wakeups: Wakeups) {
    this.device = new EmulatedDevice(world.machine);
    this.channel = openChannel(world.loop, this.device, wakeups);
    this.channel.attach(this);
  }

  say(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.channel.send(bytes, 0, bytes.length, NOTHING_BESIDE);
  }

  collect(
    bytes: Uint8Array,
    offset: number,
    length: number,
    identifiers: readonly ReceivedIdentifier[],
  ): void {
    this.text += new TextDecoder().decode(
      bytes.subarray(offset, offset + length),
    );
    this.identifiers.push(...identifiers);
  }

  collectPipe(pipe: number, bytes: Uint8Array, end: boolean): void {
    const text = new TextDecoder().decode(bytes);
    this.pipes.set(pipe, (this.pipes.get(pipe) ?? "") + text);
    if (end) this.endedPipes.push(pipe);
  }

  collected(): void {}

  ended(reason: string | null): void {
    this.end = reason;
  }

  [Symbol.dispose](): void {
    this.channel[Symbol.dispose]();
  }
}
