/**
 * Writes messages, right ones with random arguments and any others, behind each
 * other into memory that is sent as one batch.
 */
import type { PinnedBuffer } from "../../ffi/pinned_buffer.ts";
import type { Argument, Message } from "../../protocols/tables.ts";
import { DEVICE_LABEL } from "./descriptors.ts";
import type { Random } from "../support/random.ts";
import { FIRST_HIGH, type FuzzObject, type View } from "./view.ts";

const MAXIMUM_SIZE = 4096;
const encoder = new TextEncoder();

/**
 * Texts of all kinds and lengths. All are valid UTF-8, so that a feature may
 * decode them.
 */
const TEXTS = [
  "",
  "a",
  "text/plain;charset=utf-8",
  "wl_shm",
  "Grüße aus Köln",
  "窓の題名",
  "\ufeffbegins with a mark",
  "🪟🪟🪟",
  "control\x01\x1b[31m",
  "x".repeat(63),
  "y".repeat(64),
  "long ".repeat(150),
  "z".repeat(3900),
].map((text) => encoder.encode(text + "\0"));

export class MessageWriter {
  /** Where the next message starts, in words. */
  at = 0;
  /** Labels of the descriptors of all messages in the batch. */
  readonly labels: number[] = [];
  readonly #buffer: PinnedBuffer;
  #start = 0;

  constructor(buffer: PinnedBuffer) {
    this.#buffer = buffer;
  }

  get words(): Int32Array {
    return this.#buffer.words;
  }

  get bytes(): Uint8Array {
    return this.#buffer.bytes;
  }

  /** Forgets all that was written. */
  reset(): void {
    this.at = 0;
    this.labels.length = 0;
  }

  /** Whether one more message of any size fits. */
  get hasRoom(): boolean {
    return (this.at << 2) + 3 * MAXIMUM_SIZE < this.#buffer.size;
  }

  begin(id: number, opcode: number): void {
    this.#start = this.at;
    this.words[this.at] = id;
    this.words[this.at + 1] = opcode;
    this.at += 2;
  }

  word(value: number): void {
    this.words[this.at++] = value;
  }

  /** A string, which brings its zero, or an array. */
  content(bytes: Uint8Array): void {
    const words = (bytes.length + 3) >> 2;
    this.words[this.at] = bytes.length;
    if (words > 0) this.words[this.at + words] = 0;
    this.bytes.set(bytes, (this.at + 1) << 2);
    this.at += 1 + words;
  }

  string(text: string): void {
    this.content(encoder.encode(text + "\0"));
  }

  /**
   * @returns the message's bytes; 0, and nothing is written, where they are too
   * many
   */
  end(): number {
    const size = (this.at - this.#start) << 2;
    if (size > MAXIMUM_SIZE) {
      this.at = this.#start;
      return 0;
    }
    this.words[this.#start + 1] = size << 16 |
      ((this.words[this.#start + 1] ?? 0) & 0xffff);
    return size;
  }

  /** A message of these numbers and texts. @returns its bytes, as `end` */
  message(
    id: number,
    opcode: number,
    ...values: readonly (number | string)[]
  ): number {
    this.begin(id, opcode);
    for (const value of values) {
      if (typeof value === "string") this.string(value);
      else this.word(value);
    }
    return this.end();
  }

  /**
   * A legal message with random arguments.
   *
   * @param view gives objects and new ids, and is told nothing
   * @returns its bytes; 0, and nothing is written, where an object that it
   * needs does not exist
   */
  random(
    random: Random,
    view: View,
    target: FuzzObject,
    message: Message,
  ): number {
    const labelCount = this.labels.length;
    this.begin(target.id, message.opcode);
    for (const argument of message.arguments) {
      if (!this.#randomArgument(random, view, message, argument)) {
        this.at = this.#start;
        this.labels.length = labelCount;
        return 0;
      }
    }
    const size = this.end();
    if (size === 0) this.labels.length = labelCount;
    return size;
  }

  #randomArgument(
    random: Random,
    view: View,
    message: Message,
    argument: Argument,
  ): boolean {
    switch (argument.type) {
      case "int":
      case "uint":
      case "fixed":
        this.word(
          random.chance(1)
            ? random.number()
            : plausibleNumber(random, message.fullName, argument.name),
        );
        return true;
      case "string":
        if (argument.nullable && random.chance(25)) this.word(0);
        else {
          this.content(
            random.chance(90)
              ? TEXTS[random.below(8)] ?? EMPTY
              : random.pick(TEXTS),
          );
        }
        return true;
      case "array":
        this.content(random.bytes(random.length(800)));
        return true;
      case "object":
        return this.#randomObject(random, view, argument);
      case "new_id":
        if (argument.target === null) return false;
        this.word(
          message.isRequest
            ? view.chooseLow(random.chance(80))
            : view.chooseHigh(random.chance(80)),
        );
        return true;
      case "fd":
        // a pool must be memory; anything else may be anything
        this.labels.push(
          random.below(
            argument.kind === "shm" ? DEVICE_LABEL : DEVICE_LABEL + 1,
          ),
        );
        return true;
    }
  }

  #randomObject(random: Random, view: View, argument: Argument): boolean {
    if (argument.nullable && random.chance(20)) {
      this.word(0);
      return true;
    }
    const candidates = argument.target === null
      ? view.live
      : view.liveOf(argument.target);
    if (candidates.length > 0) this.word(random.pick(candidates).id);
    else if (argument.nullable) this.word(0);
    else return false;
    return true;
  }
}

const EMPTY = encoder.encode("\0");

/** What makes sense for pools and buffers, whose numbers somebody looks at. */
function plausibleNumber(
  random: Random,
  message: string,
  argument: string,
): number {
  switch (message) {
    case "wl_shm.create_pool":
      return 4096 * (1 + random.below(3));
    case "wl_shm_pool.resize":
      return 4096 * 3;
    case "wl_shm_pool.create_buffer":
      if (argument === "format") return random.below(2);
      return argument === "stride" ? 64 : 4 + random.below(3) * 4;
    case "wl_shm.format":
      return random.below(2);
    case "wl_surface.damage":
    case "wl_surface.damage_buffer":
      return random.below(20);
    case "wl_surface.set_buffer_scale":
    case "wl_surface.set_buffer_transform":
      return random.below(4);
    default:
      return random.number();
  }
}

/** An id that a confused program could send. */
export function strangeId(random: Random, view: View): number {
  switch (random.below(6)) {
    case 0:
      return 0;
    case 1:
      return random.word();
    case 2:
      return FIRST_HIGH + random.below(40);
    case 3:
      return view.chooseLow(false) + random.below(3);
    case 4:
      return random.below(40);
    default:
      return random.pick(view.live).id;
  }
}
