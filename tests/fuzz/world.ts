/**
 * One client, its relay and its host, in a loop that others share; whatever
 * becomes of it must not disturb them.
 */
import { socketPair } from "../../ffi/unix_socket.ts";
import { LocalSocket } from "../../src/host/local/socket.ts";
import { formatMessage } from "../../src/log/message_format.ts";
import type { MessageTrace } from "../../src/log/trace.ts";
import type { Policy } from "../../src/policy/policy.ts";
import type { FeatureSet } from "../../src/relay/feature.ts";
import { HOLD_TIMEOUT_MS } from "../../src/relay/limits.ts";
import { Relay } from "../../src/relay/relay.ts";
import { HostMemoryRoom } from "../support/host_memory.ts";
import type { ManualLoop } from "../support/manual_loop.ts";
import { OtherEndpoint } from "../support/other_endpoint.ts";
import { ClientPeer } from "./client_peer.ts";
import type { Descriptors } from "./descriptors.ts";
import { FuzzFailure } from "./failure.ts";
import type { Held, Whims } from "./fuzz_feature.ts";
import { describe, type Heard } from "./heard.ts";
import { HostPeer } from "./host_peer.ts";
import { EventPassage, RequestPassage } from "./passage.ts";
import type { Conversation } from "./peer.ts";
import type { Random } from "../support/random.ts";
import { Wire } from "./wire.ts";

/** More turns than this without an end are a hang. */
const MOST_TURNS = 5_000;
/** Some timers come again and again, so it does not go on forever. */
const MOST_HOLDS = 100;
const REMEMBERED = 40;

/** What worlds have in common: made once. */
export interface Surroundings {
  readonly loop: ManualLoop;
  readonly descriptors: Descriptors;
  /** What the relay's fuzz feature does in the world that is being made. */
  whims: Whims | null;
}

/** How one world differs from others. */
export interface WorldKind {
  readonly policy: Policy;
  readonly features: FeatureSet;
  readonly tag: string;
  readonly isTraced: boolean;
  /**
   * Whether the host does not see the client's memory, so that the relay makes
   * buffers of its own.
   */
  readonly isShadowed: boolean;
}

export class FuzzWorld implements Disposable {
  readonly client: ClientPeer;
  readonly host: HostPeer;
  readonly relay: Relay;
  readonly requests: RequestPassage;
  readonly events: EventPassage;
  readonly isShadowed: boolean;
  readonly log: string[] = [];
  /** How often the relay said that it ended. */
  ends = 0;
  /** Messages that were said to the relay. */
  messages = 0;
  /** In percent; the last scenes of a world turn them down. */
  holds: number;
  rewrites: number;
  readonly #loop: ManualLoop;
  readonly #history: (readonly [string, Heard])[] = [];
  readonly #wires: readonly Wire[];
  readonly #memory = new HostMemoryRoom();
  #held: Held | null = null;

  constructor(around: Surroundings, kind: WorldKind, random: Random) {
    this.#loop = around.loop;
    this.holds = random.pick([0, 0, 5, 20]);
    this.rewrites = random.pick([0, 30, 100]);
    this.isShadowed = kind.isShadowed;
    this.requests = new RequestPassage(!kind.isShadowed, kind.tag);
    this.events = new EventPassage(!kind.isShadowed);
    const [clientFd, clientEnd] = socketPair();
    const [hostEnd, hostFd] = socketPair();
    const clientWire = new Wire(clientFd, around.descriptors);
    const hostWire = new Wire(hostFd, around.descriptors);
    this.#wires = [clientWire, hostWire];
    const conversation: Conversation = {
      random,
      requests: this.requests,
      events: this.events,
      likesBuffers: kind.isShadowed,
      note: (who, heard) => this.#note(who, heard),
    };
    const client = new ClientPeer(clientWire, conversation, kind.policy);
    this.client = client;
    this.host = new HostPeer(
      hostWire,
      conversation,
      (name) => client.hostRemoved(name),
    );
    this.client.view.display.peer = this.host.view.display;
    this.host.view.display.peer = this.client.view.display;
    // the feature asks the world, whose mood changes
    const world = (): FuzzWorld => this;
    around.whims = {
      random,
      get holds() {
        return world().holds;
      },
      get rewrites() {
        return world().rewrites;
      },
      opened: (held) => this.#held = held,
    };
    this.relay = new Relay(
      {
        loop: around.loop,
        policy: kind.policy,
        features: kind.features,
        memory: { burst: () => {} },
      },
      new LocalSocket(around.loop, clientEnd),
      kind.isShadowed
        ? new OtherEndpoint(new LocalSocket(around.loop, hostEnd), {
          carriages: { shm: "shadowed" },
          allocate: (bytes) => this.#memory.allocate(bytes),
        })
        : new LocalSocket(around.loop, hostEnd),
      {
        warning: (text) => this.log.push(text),
        info: (text) => this.log.push(text),
      },
      kind.isTraced ? new CheckingTrace() : null,
      () => this.ends++,
    );
  }

  /** One turn of the loop. @returns whether anything happened */
  turn(): boolean {
    return this.#loop.turn(0) > 0;
  }

  /** Lets what the feature holds go on. */
  resume(): boolean {
    return this.#held?.resume() ?? false;
  }

  /** Turns until nothing happens any more, with both peers listening. */
  quiet(): void {
    this.#rest();
    if (!this.isShadowed) return;
    // a commit may wait for the host to be done with a buffer, and so may the
    // next one
    let wasHeld = true;
    for (let i = 0; i < MOST_HOLDS && wasHeld && this.ends === 0; i++) {
      wasHeld = false;
      this.#loop.pass(HOLD_TIMEOUT_MS, () => {
        wasHeld = true;
        this.#rest();
      });
    }
    this.#rest();
  }

  #rest(): void {
    for (let turns = 0; turns < MOST_TURNS; turns++) {
      let any = false;
      for (const wire of this.#wires) {
        if (wire.pending > 0) {
          wire.flush();
          any = true;
        }
      }
      if (this.turn()) any = true;
      if (this.resume()) any = true;
      if (this.client.listen()) any = true;
      if (this.host.listen()) any = true;
      if (!any) return;
      if (this.ends > 0 && this.#wires.every((wire) => wire.closed)) return;
    }
    throw new FuzzFailure(`nothing came to rest within ${MOST_TURNS} turns`);
  }

  /** Like `quiet`, and then everything that was said has arrived. */
  settle(): void {
    this.quiet();
    if (!this.host.isKnown && this.ends === 0 && !this.host.wire.closed) {
      this.host.sendBatch(1);
      this.quiet();
    }
    if (this.ends > 0) return;
    this.checkArrivals();
    for (const wire of this.#wires) {
      if (wire.unread > 0) throw new FuzzFailure("half a message came");
      if (wire.labels.length > 0) {
        throw new FuzzFailure("a descriptor came without a message");
      }
    }
    const missing = this.isShadowed
      ? null
      : this.client.announcements.missing(this.host.view);
    if (missing !== null) throw new FuzzFailure(missing);
    this.client.settle();
  }

  /** Nothing is under way any more: what did not arrive is lost. */
  checkArrivals(): void {
    const lost = this.requests.finish() ?? this.events.finish();
    if (lost !== null) throw new FuzzFailure(lost);
  }

  /** What was said and heard last, for people. */
  get story(): string {
    const lines = this.#history.map(([who, heard]) =>
      `${who} ${describe(heard)}`
    );
    return [...lines, ...this.log.map((line) => `log: ${line}`)].join("\n  ");
  }

  [Symbol.dispose](): void {
    this.relay[Symbol.dispose]();
    this.#memory[Symbol.dispose]();
    for (const wire of this.#wires) wire[Symbol.dispose]();
    for (let turns = 0; this.turn(); turns++) {
      if (turns > MOST_TURNS) {
        throw new FuzzFailure("the loop does not come to rest after the end");
      }
    }
  }

  #note(who: string, heard: Heard): void {
    if (who.endsWith("says")) this.messages++;
    this.#history.push([who, heard]);
    if (this.#history.length > 4 * REMEMBERED) {
      this.#history.splice(0, 3 * REMEMBERED);
    }
  }
}

/** Writes every message out, as `--verbose` does, whatever is wrong with it. */
class CheckingTrace implements MessageTrace {
  message(...values: Parameters<MessageTrace["message"]>): void {
    const [_side, _direction, message, id, words, offset, size] = values;
    const text = formatMessage(message, id, words, offset, size);
    if (!text.startsWith(message.interface.name) || text.includes("\n")) {
      throw new FuzzFailure(`a message is traced as ${text}`);
    }
  }

  note(): void {}
}
