/**
 * A Wayland client without a Wayland library: what the probe's window and the
 * benchmark have in common. It sends messages, reports events, and makes
 * buffers in host memory.
 */

import { SyscallError } from "../../../ffi/error.ts";
import type { Channel, ChannelHandler } from "../channel.ts";
import type { SentIdentifiers } from "../commands.ts";
import { IDENTIFIER_BLOB } from "../cross_domain.ts";
import { DISPLAY } from "../../wayland/wire.ts";
import { EventLog, MessageBuffer } from "./messages.ts";
import { Handles } from "../handles.ts";
import { BlobMaker, type HostMemoryKind } from "../blob_maker.ts";
import type { MappedBlob } from "../mapped_blob.ts";

/**
 * Objects that every client has, beside the display; the owner chooses the
 * other ids, in the order in which it makes the objects.
 */
export const REGISTRY = 2;
/** `wl_callback` of the greeting; free when `wl_display.delete_id` says so. */
export const CALLBACK = 3;

const XRGB8888 = 1;
/** XRGB8888 as a fourcc code. */
export const XR24 = 0x3432_5258;

/** Who hears of what happens. */
export interface ProbeHandler {
  /** An event, its arguments as words. */
  event(object: number, opcode: number, words: Uint32Array): void;
  /**
   * Nothing happens any more. `reason` is null where the host simply closed.
   */
  ended(reason: string | null): void;
}

/** A connection to the host's compositor. */
export class ProbeClient implements ChannelHandler, Disposable {
  readonly #channel: Channel;
  readonly #handler: ProbeHandler;
  readonly #blobs: BlobMaker;
  readonly #messages = new MessageBuffer();
  readonly #events = new EventLog();
  readonly #sent: SentIdentifiers = {
    count: 0,
    identifiers: new Int32Array(1),
    types: new Int32Array([IDENTIFIER_BLOB]),
  };
  #isEnded = false;

  /**
   * Takes over the channel, and greets the compositor: the host's answer also
   * shows its dialect.
   *
   * @param channel is disposed of where this fails
   * @param hostMemory what the capability set says of host memory
   * @throws {SyscallError} the device is gone.
   */
  constructor(
    channel: Channel,
    handler: ProbeHandler,
    hostMemory: HostMemoryKind = "files",
  ) {
    using undo = new DisposableStack();
    this.#channel = undo.use(channel);
    this.#handler = handler;
    const handles = new Handles(channel.device);
    this.#blobs = new BlobMaker(channel, handles, hostMemory);
    channel.attach(this);
    this.add(DISPLAY, 1, [REGISTRY]); // wl_display.get_registry
    this.add(DISPLAY, 0, [CALLBACK]); // wl_display.sync
    this.send();
    undo.move();
  }

  /**
   * Adds a request whose arguments are words. It goes out after the events
   * under way, or by `send`.
   */
  add(object: number, opcode: number, words: readonly number[]): void {
    this.#messages.add(object, opcode, words);
  }

  /** Whether the host has a global of that name. */
  has(name: string): boolean {
    return this.#events.globals.has(name);
  }

  /** Binds a global. @returns false: the host has none of that name */
  bind(name: string, id: number, version = 1): boolean {
    const global = this.#events.globals.get(name);
    if (global === undefined) return false;
    this.#messages.addBind(REGISTRY, global, name, version, id);
    return true;
  }

  /**
   * Makes a `wl_shm_pool` with one `wl_buffer` in it.
   *
   * @returns its pixels, the caller's, which the compositor sees at once; null
   * where the host has no memory
   */
  createBuffer(
    shm: number,
    pool: number,
    buffer: number,
    width: number,
    height: number,
  ): MappedBlob | null {
    const stride = width * 4;
    const size = stride * height;
    const memory = this.#blobs.makeBytes(size);
    if (memory === null) return null;
    this.addBeside(memory.resource, shm, 0, [pool, size]); // create_pool
    this.add(pool, 0, [buffer, 0, width, height, stride, XRGB8888]); // create_buffer
    return memory;
  }

  /**
   * Makes a `wl_buffer` by `zwp_linux_dmabuf_v1`, where the allocator of the
   * host's GPU makes host memory, and decides how far apart rows are.
   *
   * @returns its pixels, the caller's, which the compositor sees at once; null
   * where the host has no memory
   */
  createImage(
    dmabuf: number,
    params: number,
    buffer: number,
    width: number,
    height: number,
  ): MappedBlob | null {
    const image = this.#blobs.makeImage(width, height, XR24);
    const [plane] = image?.planes ?? [];
    if (image === null || plane === undefined) return null;
    const { offset, stride } = plane;
    this.add(dmabuf, 1, [params]); // create_params
    this.addBeside(image.resource, params, 1, [0, offset, stride, 0, 0]); // add
    this.add(params, 3, [buffer, width, height, XR24, 0]); // create_immed
    return image;
  }

  /**
   * Sends what was added. A device that does not take it ends the connection.
   */
  send(): void {
    const bytes = this.#messages.take();
    if (bytes.length === 0 || this.#isEnded) return;
    try {
      this.#channel.send(bytes, 0, bytes.length, this.#sent);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      this.ended(error.message);
    }
    this.#sent.count = 0;
  }

  collect(bytes: Uint8Array, offset: number, length: number): void {
    this.#events.append(bytes.subarray(offset, offset + length));
  }

  collectPipe(): void {}

  collected(): void {
    for (
      let event = this.#events.next();
      event !== null;
      event = this.#events.next()
    ) {
      const { object, opcode, words } = event;
      if (object === REGISTRY && opcode === 0) {
        this.#events.addGlobal(words[0] ?? 0, words);
      } else this.#handler.event(object, opcode, words);
    }
    this.send();
  }

  ended(reason: string | null): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#handler.ended(reason);
  }

  /**
   * Sends a request with memory. What was added before goes first: a SEND names
   * memory beside the bytes of its own message.
   */
  addBeside(
    resource: number,
    object: number,
    opcode: number,
    words: readonly number[],
  ): void {
    this.send();
    this.add(object, opcode, words);
    this.#sent.count = 1;
    this.#sent.identifiers[0] = resource;
    this.send();
  }

  [Symbol.dispose](): void {
    this.#channel[Symbol.dispose]();
  }
}
