/**
 * The events of the host's `wl_display`: they are about the connection and the
 * ids in it, so the relay forwards none of them as it came.
 */
import type { Message } from "../../protocols/tables.ts";
import { HostError, HostRefusal } from "../wayland/protocol_error.ts";
import { decodeText } from "../wayland/text.ts";
import { endOfString } from "../wayland/wire.ts";
import type { ArgumentReader } from "./arguments.ts";
import type { Entry } from "./entry.ts";
import type { Objects } from "./objects.ts";

const DELETE_ID = 1;

/**
 * Reads the event that starts at word `at` of what came.
 *
 * @returns the object that `wl_display.delete_id` names
 * @throws {HostRefusal} for `wl_display.error`
 * @throws {HostError} where the object is unknown
 */
export function readDisplayEvent(
  reader: ArgumentReader,
  objects: Objects,
  message: Message,
  at: number,
): Entry {
  const { words, bytes } = reader.incoming;
  const end = at + ((words[at + 1] ?? 0) >>> 18);
  if (message.opcode === DELETE_ID) {
    if (end !== at + 3) reader.malformed(message, "its size is wrong");
    const id = words[at + 2] ?? 0;
    const entry = id > 1 ? objects.host.get(id) : null;
    if (entry === null) {
      throw new HostError(
        `it deleted the unknown object ${id >>> 0}`,
      );
    }
    return entry;
  }
  if (end < at + 5 || endOfString(words, bytes, at + 4, end) !== end) {
    reader.malformed(message, "its text is not a string");
  }
  const start = (at + 5) << 2;
  const length = Math.max(0, (words[at + 4] ?? 0) - 1);
  throw new HostRefusal(
    words[at + 2] ?? 0,
    (words[at + 3] ?? 0) >>> 0,
    decodeText(bytes, start, length),
  );
}
