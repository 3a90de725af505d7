/**
 * A well-behaved client with a well-behaved host, in the same loop as the
 * worlds that are being broken. Whatever happens there, every byte of its own
 * conversation must arrive.
 */
import assert from "node:assert/strict";
import { closeFd } from "../../ffi/fd.ts";
import { createMemfd } from "../../ffi/memfd.ts";
import { PinnedBuffer } from "../../ffi/pinned_buffer.ts";
import {
  receivedFdCount,
  receiveMessage,
  sendMessage,
} from "../../ffi/socket_message.ts";
import { socketPair } from "../../ffi/unix_socket.ts";
import { LocalSocket } from "../../src/host/local/socket.ts";
import type { Loop } from "../../src/loop/loop.ts";
import { Policy } from "../../src/policy/policy.ts";
import { standardFeatures } from "../../src/relay/features/standard.ts";
import { Relay, relayFeatures } from "../../src/relay/relay.ts";

const MOST_TURNS = 100;

/**
 * The conversation. Ids, on both sides: 3 compositor, 4 shm, and again and
 * again 5 surface, 6 callback, 7 pool.
 */
export class Bystander implements Disposable {
  readonly #loop: Loop;
  readonly #relay: Relay;
  readonly #disposables = new DisposableStack();
  readonly #client: number;
  readonly #host: number;
  readonly #memory: number;
  readonly #buffer: PinnedBuffer;
  readonly #fds = new Int32Array(256);
  #ended = "";
  #tag = 0;

  constructor(loop: Loop) {
    this.#loop = loop;
    const own = this.#disposables;
    const [client, clientEnd] = socketPair();
    const [hostEnd, host] = socketPair();
    this.#client = own.use(client).number;
    this.#host = own.use(host).number;
    this.#memory = own.use(createMemfd("bystander", 4096)).number;
    this.#buffer = own.adopt(new PinnedBuffer(4096), (it) => it.free());
    this.#relay = own.use(
      new Relay(
        {
          loop,
          policy: new Policy(),
          features: relayFeatures(standardFeatures({ tag: "" })),
          memory: { burst: () => {} },
        },
        new LocalSocket(loop, clientEnd),
        new LocalSocket(loop, hostEnd),
        { warning: (text) => this.#ended += text, info: () => {} },
        null,
        () => this.#ended += "the bystander's relay has ended",
      ),
    );
    this.#greet();
  }

  /** Says everything once more, and hears it. */
  step(): void {
    const tag = ++this.#tag;
    this.#say(this.#client, [
      [3, 0, 5], // create_surface
      [5, 2, tag, -tag, 3, 4], // damage
      [5, 3, 6], // frame
    ]);
    this.#hear(this.#host, 0, [[3, 0, 5], [5, 2, tag, -tag, 3, 4], [5, 3, 6]]);
    this.#say(this.#client, [[4, 0, 7, 4096]], [this.#memory]); // create_pool
    this.#say(this.#client, [[5, 6], [5, 0], [7, 1]]); // commit, destroy, destroy
    this.#hear(this.#host, 1, [[4, 0, 7, 4096], [5, 6], [5, 0], [7, 1]]);
    const events = [[6, 0, tag], [1, 1, 7], [1, 1, 6], [1, 1, 5]];
    this.#say(this.#host, events); // done, delete_id
    this.#hear(this.#client, 0, events);
  }

  [Symbol.dispose](): void {
    this.#disposables[Symbol.dispose]();
    while (this.#loop.turn(0) > 0);
  }

  /** Registry, globals, two binds. */
  #greet(): void {
    this.#hear(this.#host, 0, [[1, 1, 2], [1, 0, 3]]);
    const compositor = [...text("wl_compositor"), 4];
    const shm = [...text("wl_shm"), 1];
    this.#say(this.#host, [[2, 0, 1, ...compositor], [2, 0, 2, ...shm]]);
    this.#say(this.#host, [[3, 0, 0], [1, 1, 3]]);
    this.#say(this.#client, [[1, 1, 2]]);
    const fixes = [...text("wl_fixes"), 2];
    this.#hear(this.#client, 0, [
      [2, 0, 1, ...compositor],
      [2, 0, 2, ...shm],
      [2, 0, 0xfffffffe | 0, ...fixes],
    ]);
    const binds = [[2, 0, 1, ...compositor, 3], [2, 0, 2, ...shm, 4]];
    this.#say(this.#client, binds);
    this.#hear(this.#host, 0, binds);
  }

  #say(
    fd: number,
    messages: readonly (readonly number[])[],
    fds: number[] = [],
  ): void {
    const words = encode(messages);
    this.#buffer.words.set(words);
    const carried = Int32Array.from(fds);
    const size = words.length * 4;
    assert.equal(
      sendMessage(fd, this.#buffer, 0, size, carried, 0, carried.length),
      size,
    );
  }

  /** Turns until these messages have come, and nothing else. */
  #hear(
    fd: number,
    fdCount: number,
    messages: readonly (readonly number[])[],
  ): void {
    const expected = encode(messages);
    let filled = 0;
    let fds = 0;
    for (let i = 0; i < MOST_TURNS && filled < expected.length * 4; i++) {
      this.#loop.turn(0);
      const count = receiveMessage(
        fd,
        this.#buffer,
        filled,
        4096 - filled,
        this.#fds,
      );
      if (count <= 0) continue;
      filled += count;
      for (let j = 0; j < receivedFdCount(); j++, fds++) {
        closeFd(this.#fds[j] ?? -1);
      }
    }
    assert.equal(this.#ended, "");
    assert.deepEqual(this.#buffer.words.slice(0, filled >> 2), expected);
    assert.equal(fds, fdCount);
  }
}

/** Messages as object, opcode, words. */
function encode(messages: readonly (readonly number[])[]): Int32Array {
  return Int32Array.from(
    messages.flatMap(([id = 0, opcode = 0, ...words]) => [
      id,
      (words.length + 2) << 18 | opcode,
      ...words,
    ]),
  );
}

/** A string as words. */
function text(value: string): number[] {
  const bytes = new TextEncoder().encode(value + "\0");
  const padded = new Uint8Array((bytes.length + 3) & ~3);
  padded.set(bytes);
  return [bytes.length, ...new Int32Array(padded.buffer)];
}
