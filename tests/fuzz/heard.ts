/**
 * One message as one side said it, with its ids looked up: comparable with what
 * reached the other side.
 */
import type { Message } from "../../protocols/tables.ts";
import type { Shape } from "./shape.ts";
import type { FuzzObject } from "./view.ts";

/** A legal message. */
export interface Heard {
  readonly message: Message;
  readonly target: FuzzObject;
  /** Its words from the second one on, without ids and padding. */
  readonly words: Int32Array;
  /** Objects in it, in order. */
  readonly named: readonly (FuzzObject | null)[];
  /** Which arguments these are. */
  readonly namedArgument: readonly number[];
  readonly created: readonly FuzzObject[];
  /** Labels of its descriptors. */
  readonly labels: readonly number[];
}

/** A message that is not legal, and what whoever sent it must be told. */
export class Fault {
  readonly why: string;
  /** The sender's id of the object that the error is about. */
  readonly objectId: number;
  readonly code: number;
  /**
   * False where the relay may know more than its peer, so that it may also find
   * the message legal.
   */
  readonly isCertain: boolean;

  constructor(why: string, objectId = 1, code = 1, isCertain = true) {
    this.why = why;
    this.objectId = objectId;
    this.code = code;
    this.isCertain = isCertain;
  }
}

/** Copies the words of a message and blanks in them what is not comparable. */
export function comparableWords(
  words: Int32Array,
  at: number,
  size: number,
  shape: Shape,
): Int32Array {
  const copy = words.slice(at + 1, at + (size >> 2));
  for (const place of shape.objectAt) copy[place - 1] = 0;
  for (const place of shape.newIdAt) copy[place - 1] = 0;
  for (let i = 0; i < shape.paddedAt.length; i++) {
    const place = (shape.paddedAt[i] ?? 0) - 1;
    const kept = (1 << ((shape.paddedBytes[i] ?? 0) * 8)) - 1;
    copy[place] = (copy[place] ?? 0) & kept;
  }
  return copy;
}

/** A message for people. */
export function describe(heard: Heard): string {
  const { message, target, named, created, words, labels } = heard;
  const parts = [
    ...named.map((object) => `${object ?? "null"}`),
    ...created.map((object) => `new ${object}`),
    ...labels.map((label) => `fd ${label}`),
  ];
  const data = [...words.subarray(1, 9)].join(" ");
  return `${target}.${message.name}(${parts.join(", ")}) [${data}]`;
}
