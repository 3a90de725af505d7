/**
 * Whether the bytes of a message have the shape that its table says, and where
 * its ids stand. Written from the Wayland specification ("Wire format"), apart
 * from the relay's code, to be compared with it.
 */
import {
  findInterface,
  type Interface,
  type Message,
} from "../../protocols/tables.ts";

const decoder = new TextDecoder();

/**
 * What the last `walk` found. Positions are words, counted from the message's
 * header.
 */
export class Shape {
  /** Of objects, nulls included. */
  readonly objectAt: number[] = [];
  /** Which argument each of them is. */
  readonly objectArgument: number[] = [];
  readonly newIdAt: number[] = [];
  readonly newIdArgument: number[] = [];
  /**
   * Of strings and arrays: the last word, where there is padding in it, and how
   * many bytes of it count.
   */
  readonly paddedAt: number[] = [];
  readonly paddedBytes: number[] = [];
  /** For an untyped new id: what the message says. */
  untypedName = "";
  untypedInterface: Interface | null = null;
  untypedVersion = 0;

  /** @returns what is wrong, or null */
  walk(
    message: Message,
    words: Int32Array,
    bytes: Uint8Array,
    at: number,
    size: number,
  ): string | null {
    this.objectAt.length = this.objectArgument.length = 0;
    this.newIdAt.length = this.newIdArgument.length = 0;
    this.paddedAt.length = this.paddedBytes.length = 0;
    this.untypedName = "";
    const end = size >> 2;
    let next = 2;
    const text = (nullable: boolean, isString: boolean): string | null => {
      const length = (words[at + next] ?? 0) >>> 0;
      const first = (at + next + 1) << 2;
      if (next >= end) return "too short";
      if (length > ((end - next - 1) << 2)) return "longer than the message";
      next += 1 + Math.ceil(length / 4);
      if (length % 4 !== 0) {
        this.paddedAt.push(next - 1);
        this.paddedBytes.push(length % 4);
      }
      if (!isString) return null;
      if (length === 0) return nullable ? null : "null";
      for (let i = 0; i < length - 1; i++) {
        if (bytes[first + i] === 0) return "zero inside";
      }
      return bytes[first + length - 1] === 0 ? null : "no zero at the end";
    };
    for (const [index, argument] of message.arguments.entries()) {
      let wrong: string | null = null;
      switch (argument.type) {
        case "fd":
          break;
        case "int":
        case "uint":
        case "fixed":
          next++;
          break;
        case "object":
          // an error may be about nothing in particular
          if (
            next < end && words[at + next] === 0 && !argument.nullable &&
            argument.interface !== null
          ) wrong = "null";
          this.objectAt.push(next++);
          this.objectArgument.push(index);
          break;
        case "string":
          wrong = text(argument.nullable, true);
          break;
        case "array":
          wrong = text(true, false);
          break;
        case "new_id":
          if (argument.interface === null) {
            const first = (at + next + 1) << 2;
            const length = words[at + next] ?? 0;
            wrong = text(false, true);
            if (wrong === null) {
              this.untypedName = decoder.decode(
                bytes.subarray(first, first + length - 1),
              );
              this.untypedInterface = findInterface(this.untypedName);
              this.untypedVersion = (words[at + next] ?? 0) >>> 0;
            }
            next++;
          }
          this.newIdAt.push(next++);
          this.newIdArgument.push(index);
          break;
      }
      if (wrong !== null) return `${argument.name}: ${wrong}`;
      if (next > end) return `${argument.name}: too short`;
    }
    return next === end ? null : "too long";
  }
}
