/**
 * Every message of every known protocol, written from a record and read into
 * one.
 */
import assert from "node:assert/strict";
import {
  type Argument,
  findInterface,
  getInterface,
  getRequest,
  type Message,
} from "../../../protocols/tables.ts";
import {
  type ArgumentReader,
  encodedSize,
  newIdType,
  readArguments,
  writeMessage,
} from "../../../src/relay/arguments.ts";
import {
  type ArgumentRecord,
  type ArgumentValue,
  Entry,
} from "../../../src/relay/entry.ts";
import { Queue } from "../../../src/wayland/queue.ts";
import { everyMessage } from "../../support/every_message.ts";

/** Reads what it was given to write; new objects are named by their id. */
class TestReader implements ArgumentReader {
  readonly incoming: Queue;
  readonly #objects = new Map<number, Entry>();

  constructor(incoming: Queue) {
    this.incoming = incoming;
  }

  add(entry: Entry): Entry {
    this.#objects.set(entry.clientId, entry);
    return entry;
  }

  object(id: number): Entry | null {
    return this.#objects.get(id) ?? null;
  }

  newObject(id: number, type: string | null, version: number): Entry {
    const found = type === null ? null : findInterface(type);
    return new Entry(id, 0, found ?? getInterface("wl_callback"), version);
  }

  malformed(message: Message, why: string): never {
    throw new Error(`${message.fullName}: ${why}`);
  }
}

const texts = ["", "text", "\u{1f4a1} odd", "x".repeat(99)];

function valueOf(
  argument: Argument,
  seed: number,
  reader: TestReader,
): ArgumentValue {
  switch (argument.type) {
    case "int":
    case "fixed":
      return (seed * 0x01234567) | 0;
    case "uint":
      return (seed * 0x01234567) >>> 0;
    case "string":
      if (argument.nullable && seed % 5 === 0) return null;
      return texts[seed % texts.length] ?? "";
    case "array":
      return new Uint8Array(seed % 9).fill(seed);
    case "object":
      if (argument.nullable && seed % 5 === 0) return null;
      return reader.add(
        new Entry(
          100 + seed,
          0,
          argument.target ?? getInterface("wl_callback"),
          1,
        ),
      );
    case "new_id":
      return new Entry(
        200 + seed,
        0,
        argument.target ?? getInterface("wl_callback"),
        1,
      );
    case "fd":
      return 300 + seed;
  }
}

/**
 * Entries that were read are other objects than those written: what matters is
 * their ids.
 */
function plain(record: ArgumentRecord): { [name: string]: unknown } {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => [
      name,
      value instanceof Entry ? `object ${value.clientId}` : value,
    ]),
  );
}

Deno.test("what is written is what is read, for every message there is", () => {
  let seed = 1;
  for (const message of everyMessage()) {
    const queue = new Queue();
    const reader = new TestReader(queue);
    const values: ArgumentRecord = {};
    for (const argument of message.arguments) {
      values[argument.name] = valueOf(argument, seed++, reader);
      if (argument.type === "new_id" && argument.interface === null) {
        values["interface"] = "wl_callback";
        values["version"] = 3;
      }
    }
    writeMessage(queue, "client", 7, message, values);
    const size = queue.length;
    assert.equal(size, encodedSize(message, values), message.fullName);
    if (message.plain) assert.equal(size, message.minimumSize);
    else assert.ok(size >= message.minimumSize, message.fullName);
    const { words } = queue;
    assert.deepEqual(
      [words[0], (words[1] ?? 0) & 0xffff, (words[1] ?? 0) >>> 16],
      [7, message.opcode, size],
      message.fullName,
    );
    assert.equal(queue.fdCount, message.fdCount, message.fullName);
    const read = readArguments(reader, message, 1, 0);
    assert.deepEqual(plain(read), plain(values), message.fullName);
    // They are numbers and no descriptors.
    while (queue.fdCount > 0) queue.shiftFd();
    queue.clear();
  }
});

Deno.test("a record is used again for the next message of its kind", () => {
  const queue = new Queue();
  const reader = new TestReader(queue);
  const message = getRequest("wl_surface.damage");
  const values = { x: 1, y: 2, width: 3, height: 4 };
  writeMessage(queue, "client", 7, message, values);
  const first = readArguments(reader, message, 1, 0);
  queue.consume(queue.length);
  writeMessage(queue, "client", 7, message, { ...values, x: 9 });
  const second = readArguments(reader, message, 1, 0);
  assert.equal(first, second);
  assert.equal(first["x"], 9);
  queue.clear();
});

Deno.test("padding is written as zeros, so that nothing that was there before leaks", () => {
  const queue = new Queue();
  queue.reserve(64);
  queue.bytes.fill(0xff);
  const message = getRequest("xdg_toplevel.set_title");
  writeMessage(queue, "host", 7, message, { title: "abcd" });
  assert.deepEqual(
    [...queue.bytes.subarray(12, queue.tail)],
    [0x61, 0x62, 0x63, 0x64, 0, 0, 0, 0],
  );
  queue.clear();
});

Deno.test("a message of more than 4096 bytes is not written, and nothing of it", () => {
  const queue = new Queue();
  const message = getRequest("xdg_toplevel.set_title");
  writeMessage(queue, "host", 7, message, { title: "x".repeat(4083) });
  assert.equal(queue.length, 4096);
  assert.throws(
    () => writeMessage(queue, "host", 7, message, { title: "x".repeat(4084) }),
    /Cannot send xdg_toplevel.set_title: it would have 4100 bytes, more than 4096/,
  );
  assert.equal(queue.length, 4096);
  queue.clear();
});

Deno.test("an object is written with the id of the side that reads it", () => {
  const message = getRequest("wl_surface.set_input_region");
  const region = new Entry(11, 22, getInterface("wl_region"), 1);
  for (const [side, id] of [["client", 11], ["host", 22]] as const) {
    const queue = new Queue();
    writeMessage(queue, side, 7, message, { region });
    assert.equal(queue.words[2], id);
    queue.clear();
  }
});

Deno.test("the interface of a message's new object is known, unless the message says it", () => {
  const { name } = newIdType(getRequest("wl_compositor.create_region"), 0) ??
    getInterface("wl_display");
  assert.equal(name, "wl_region");
  assert.equal(newIdType(getRequest("wl_registry.bind"), 0), null);
  assert.equal(newIdType(getRequest("wl_surface.commit"), 0), null);
});
