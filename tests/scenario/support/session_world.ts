/**
 * The world in which a session is played, and in which either side may die at
 * any moment.
 */
import { socketPair } from "../../../ffi/unix_socket.ts";
import { LocalSocket } from "../../../src/host/local/socket.ts";
import { Policy } from "../../../src/policy/policy.ts";
import type {
  Feature,
  FeatureRelay,
  Verdict,
} from "../../../src/relay/feature.ts";
import { standardFeatures } from "../../../src/relay/features/standard.ts";
import { DEAD_AFTER_MS } from "../../../src/relay/liveness.ts";
import { Relay, relayFeatures } from "../../../src/relay/relay.ts";
import type { ManualLoop } from "../../support/manual_loop.ts";
import { ScriptedClient } from "../../support/scripted_client.ts";
import { ScriptedHost } from "../../support/scripted_host.ts";
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

/** One client, one relay, one host. */
export class SessionWorld implements Disposable {
  readonly client: ScriptedClient;
  readonly host: ScriptedHost;
  readonly log: string[] = [];
  /** How often the relay said that it ended. */
  ends = 0;
  readonly #loop: ManualLoop;
  readonly #relay: Relay;
  readonly #gate = new Gate();

  constructor(loop: ManualLoop) {
    this.#loop = loop;
    const [clientFd, clientEnd] = socketPair();
    const [hostEnd, hostFd] = socketPair();
    this.client = new ScriptedClient(clientFd);
    this.host = new ScriptedHost(
      hostFd,
      (hostId) => this.#relay.objects.host.get(hostId)?.clientId ?? 0,
    );
    this.#relay = new Relay(
      {
        loop,
        policy: new Policy(),
        features: relayFeatures([...standardFeatures({ tag: "" }), this.#gate]),
        memory: { burst: () => {} },
      },
      new LocalSocket(loop, clientEnd),
      new LocalSocket(loop, hostEnd),
      {
        warning: (text) => this.log.push(text),
        info: (text) => this.log.push(text),
      },
      null,
      () => this.ends++,
    );
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

  /** Turns until nothing happens any more, both peers listening. */
  settle(): void {
    do {
      this.client.listen();
      this.host.listen();
    } while (this.#loop.turn(0) > 0);
    this.client.listen();
    this.host.listen();
  }

  /** Lets time pass. */
  wait(): void {
    this.settle();
    this.#loop.pass(A_WHILE, () => this.settle());
  }

  [Symbol.dispose](): void {
    this.#relay[Symbol.dispose]();
    this.kill("client");
    this.kill("host");
    while (this.#loop.turn(0) > 0);
  }
}

/** Holds two messages of the session until a step releases them. */
class Gate implements Feature<null> {
  readonly name = "gate";
  readonly requests = { [HELD_REQUEST]: (): Verdict => this.#verdict() };
  readonly events = { [HELD_EVENT]: (): Verdict => this.#verdict() };
  #isOpen = false;
  #relay: FeatureRelay | null = null;

  open(relay: FeatureRelay): null {
    this.#relay = relay;
    return null;
  }

  release(direction: "requests" | "events"): void {
    this.#isOpen = true;
    this.#relay?.resume(direction);
    this.#isOpen = false;
  }

  #verdict(): Verdict {
    return this.#isOpen ? "forward" : "hold";
  }
}
