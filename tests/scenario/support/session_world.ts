/**
 * The world in which a session is played, and in which either side may die at
 * any moment.
 */
import { DEAD_AFTER_MS } from "../../../src/relay/liveness.ts";
import type { ManualLoop } from "../../support/manual_loop.ts";
import { RelayWorld } from "../../support/relay_world.ts";
import { Gate } from "./feature.ts";
import {
  HELD_EVENT,
  HELD_REQUEST,
  type Message,
  type Step,
} from "./session_steps.ts";

/**
 * Longer than the relay waits for anything: after it, the client or the host is
 * known to be dead.
 */
const A_WHILE = DEAD_AFTER_MS + 10_000;

export class SessionWorld extends RelayWorld {
  readonly #gate: Gate;

  constructor(loop: ManualLoop) {
    const gate = new Gate([HELD_REQUEST], [HELD_EVENT]);
    super({ loop, features: [gate] });
    this.#gate = gate;
    this.settle();
  }

  /** Takes a step, and does not turn the loop. */
  take(step: Step): void {
    if (step.by === "relay") this.#gate.release(step.name);
    else {
      const { bytes, fds } = step.pack(this);
      this[step.by].bytes(bytes, fds);
    }
  }

  /** Sends the first half of a step's message, with its descriptors. */
  takeHalf(step: Message): void {
    const { bytes, fds } = step.pack(this);
    this[step.by].bytes(bytes.subarray(0, bytes.length >> 1), fds);
  }

  /** The peer is gone, from one moment to the next. */
  kill(who: "client" | "host"): void {
    this[who][Symbol.dispose]();
  }

  wait(): void {
    this.pass(A_WHILE);
  }
}
