/**
 * What the fuzzer's client and its host have in common: they say what is legal,
 * in batches, and judge what they hear.
 */
import { FuzzFailure } from "./failure.ts";
import { Fault, type Heard } from "./heard.ts";
import type { MessageRules } from "./message_rules.ts";
import { MessageWriter } from "./message_writer.ts";
import type { EventPassage, RequestPassage } from "./passage.ts";
import type { Random } from "../support/random.ts";
import { View } from "./view.ts";
import type { Wire } from "./wire.ts";

/** What the two peers of a world share. */
export interface Conversation {
  readonly random: Random;
  readonly requests: RequestPassage;
  readonly events: EventPassage;
  /** Whether they say what makes a relay draw. */
  readonly likesBuffers: boolean;
  /** Remembers for people what was said and heard. */
  note(who: string, heard: Heard): void;
}

export abstract class FuzzPeer {
  readonly view = new View();
  readonly wire: Wire;
  readonly writer: MessageWriter;
  /** Labels of descriptors that were sent and belong to no message yet. */
  readonly sentLabels: number[] = [];
  /**
   * Set where a peer said what its view cannot follow: what it hears is not
   * judged any more then.
   */
  isLost = false;
  /** Set with the message after which nothing may come any more. */
  protected hasHeardLast = false;
  /** What its own messages must keep to. */
  abstract readonly rules: MessageRules;
  protected abstract readonly heardRules: MessageRules;
  protected readonly conversation: Conversation;
  readonly #who: "client" | "host";

  constructor(who: "client" | "host", wire: Wire, conversation: Conversation) {
    this.#who = who;
    this.wire = wire;
    this.writer = new MessageWriter(wire.out);
    this.conversation = conversation;
  }

  /** Reads and judges all that came. @returns whether anything came */
  listen(): boolean {
    return this.wire.receive((...frame) => this.#hear(...frame));
  }

  /**
   * Sends up to `most` legal messages, in one piece or in two.
   *
   * @returns how many
   */
  sendBatch(most: number): number {
    const { writer, wire } = this;
    const { random } = this.conversation;
    if (wire.pending > 0) return 0;
    writer.reset();
    let count = 0;
    for (let i = 0; i < most && writer.hasRoom; i++) {
      if (this.writeOne() > 0) count++;
    }
    const end = writer.at << 2;
    if (end > 0) {
      const cut = random.chance(10) ? 1 + random.below(end) : end;
      wire.send(end, writer.labels, cut);
    }
    return count;
  }

  /**
   * Writes one legal message, or all that follow from one, and enters it into
   * the view.
   *
   * @returns its bytes; 0 where none was found
   */
  abstract writeOne(): number;

  /**
   * Writes a legal message that is not said, so that it can be spoiled.
   *
   * @returns its bytes; 0 where none was found
   */
  abstract writeUnsaid(): number;

  /** Enters a message that the relay must take. */
  said(heard: Heard): void {
    this.conversation.note(`${this.#who} says`, heard);
    this.enter(heard);
  }

  /** What comes of a message that the peer said. */
  protected abstract enter(heard: Heard): void;

  /**
   * What comes of a legal message that the relay sent, which stands at word
   * `at`.
   */
  protected abstract take(
    heard: Heard,
    words: Int32Array,
    bytes: Uint8Array,
    at: number,
  ): void;

  /**
   * Says what was written, and is legal, from word `at` on, whose descriptors
   * are the last.
   */
  protected say(at: number, size: number, labelCount = 0): void {
    if (size === 0) return;
    const { words, bytes, labels } = this.writer;
    this.sentLabels.push(...labels.slice(labels.length - labelCount));
    const heard = this.rules.apply(words, bytes, at, size, this.sentLabels);
    if (heard instanceof Fault) {
      throw new FuzzFailure(
        `the fuzzer's own ${this.#who} is wrong: ${heard.why}`,
      );
    }
    this.said(heard);
  }

  #hear(
    words: Int32Array,
    bytes: Uint8Array,
    at: number,
    size: number,
  ): void {
    if (this.hasHeardLast) {
      throw new FuzzFailure(`the ${this.#who} heard something after its error`);
    }
    const { labels } = this.wire;
    const heard = this.heardRules.apply(words, bytes, at, size, labels);
    if (!(heard instanceof Fault)) {
      this.conversation.note(`${this.#who} hears`, heard);
      this.take(heard, words, bytes, at);
    } else if (this.isLost) labels.length = 0;
    else {
      const shown = [...words.subarray(at, at + Math.min(size >> 2, 12))];
      throw new FuzzFailure(
        `the ${this.#who} heard what is wrong: ${heard.why} [${
          shown.join(" ")
        }]`,
      );
    }
  }
}
