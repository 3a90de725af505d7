/**
 * What a scripted peer is given to say: a message by its full name, and its
 * arguments by theirs.
 */
import type { ObjectHandle } from "../../protocols/arguments.ts";
import type { Message } from "../../protocols/tables.ts";
import { join, words } from "./words.ts";

/**
 * An object by its number, by its name as `heard` writes it, or by what stands
 * for it in a test.
 */
export type ObjectName = number | string | { readonly id: number };

/**
 * Arguments of a message. A new object gets the number that the test gives; a
 * peer closes a descriptor when it has sent it.
 */
export type Said<Arguments> = {
  readonly [Name in keyof Arguments]:
    Extract<Arguments[Name], ObjectHandle> extends never ? Arguments[Name]
      : ObjectName | Extract<Arguments[Name], null>;
};

/** The arguments behind a message's name: none where it has none. */
export type Spoken<Arguments> = keyof Arguments extends never ? []
  : [values: Said<Arguments>];

/** A message as it goes out. */
export interface Packed {
  readonly bytes: Uint8Array;
  readonly fds: readonly number[];
  /**
   * The object that it makes, and of which interface; null where it makes none.
   */
  readonly made: { readonly id: number; readonly type: string } | null;
}

/**
 * Writes a message as it stands on the wire.
 *
 * @param values its arguments by name, which are taken out
 * @param idOf gives the id of an object that exists
 * @throws {TypeError} where an argument is missing, is not the message's or is
 * of another type
 */
export function packMessage(
  id: number,
  message: Message,
  values: Map<string, unknown>,
  idOf: (object: ObjectName) => number,
): Packed {
  const body: Uint8Array[] = [];
  const fds: number[] = [];
  let made: Packed["made"] = null;
  const wrong = (name: string, why: string): never => {
    throw new TypeError(`${message.fullName}: ${name} ${why}`);
  };
  const take = (name: string): unknown => {
    if (!values.has(name)) wrong(name, "is missing");
    const value = values.get(name);
    values.delete(name);
    return value;
  };
  const number = (name: string): number => {
    const value = take(name);
    return typeof value === "number" ? value : wrong(name, "is a number");
  };
  for (const { name, type, interface: target } of message.arguments) {
    switch (type) {
      case "int":
      case "uint":
      case "fixed":
        body.push(words(number(name)));
        break;
      case "fd":
        fds.push(number(name));
        break;
      case "object": {
        const object = take(name);
        if (object === null) body.push(words(0));
        else if (isObjectName(object)) body.push(words(idOf(object)));
        else wrong(name, "is an object");
        break;
      }
      case "new_id": {
        made = { id: number(name), type: target ?? String(take("interface")) };
        if (target === null) body.push(words(made.type, number("version")));
        body.push(words(made.id));
        break;
      }
      case "string":
      case "array": {
        const value = take(name);
        if (value === null) body.push(words(0));
        else if (typeof value === "string" || value instanceof Uint8Array) {
          body.push(words(value));
        } else wrong(name, `is of the type ${type}`);
        break;
      }
    }
  }
  for (const name of values.keys()) wrong(name, "is not an argument");
  const size = 8 + body.reduce((sum, { length }) => sum + length, 0);
  const header = words(id, size << 16 | message.opcode);
  return { bytes: join(header, ...body), fds, made };
}

function isObjectName(value: unknown): value is ObjectName {
  return typeof value === "number" || typeof value === "string" ||
    typeof value === "object" && value !== null && "id" in value &&
      typeof value.id === "number";
}
