/**
 * Asks a compositor what it has: the first exchange of any connection,
 * `get_registry` and `sync`, and nothing more.
 *
 * Sources: wayland.xml (wl_display, wl_registry).
 */
import { getEvent, getRequest } from "../../protocols/tables.ts";
import { decodeText } from "../wayland/text.ts";
import { DISPLAY, HEADER_SIZE, MAX_MESSAGE_BYTES } from "../wayland/wire.ts";
import type { Endpoint, EndpointHandler } from "./endpoint.ts";

/** A global as the compositor announces it. */
export interface AnnouncedGlobal {
  readonly interface: string;
  readonly version: number;
}

/** What is known so far. */
export type ProbeState =
  | { readonly kind: "waiting" }
  | {
    readonly kind: "answered";
    readonly globals: readonly AnnouncedGlobal[];
  }
  | { readonly kind: "failed"; readonly reason: string };

const REGISTRY = 2;
const CALLBACK = 3;
const REQUEST_BYTES = 12;

const [ERROR, GLOBAL] = [
  getEvent("wl_display.error").opcode,
  getEvent("wl_registry.global").opcode,
];

/**
 * Asks one compositor. The endpoint stays the caller's, who may go on with it
 * when there is an answer.
 */
export class RegistryProbe implements EndpointHandler {
  readonly #endpoint: Endpoint;
  readonly #globals: AnnouncedGlobal[] = [];
  readonly #onChange: () => void;
  #state: ProbeState = { kind: "waiting" };

  /**
   * @param onChange is called once, when the answer is there or none will come
   */
  constructor(endpoint: Endpoint, onChange: () => void) {
    this.#endpoint = endpoint;
    this.#onChange = onChange;
    const { outgoing } = endpoint;
    for (
      const [name, id] of [
        ["wl_display.get_registry", REGISTRY],
        ["wl_display.sync", CALLBACK],
      ] as const
    ) {
      outgoing.reserve(REQUEST_BYTES);
      const at = outgoing.tail >> 2;
      outgoing.words[at] = DISPLAY;
      outgoing.words[at + 1] = REQUEST_BYTES << 16 | getRequest(name).opcode;
      outgoing.words[at + 2] = id;
      outgoing.tail += REQUEST_BYTES;
    }
    endpoint.attach(this);
    endpoint.touch();
  }

  get state(): ProbeState {
    return this.#state;
  }

  received(): void {
    const { incoming } = this.#endpoint;
    while (
      this.#state.kind === "waiting" && incoming.length >= HEADER_SIZE
    ) {
      const at = incoming.head >> 2;
      const shape = incoming.words[at + 1] ?? 0;
      const size = shape >>> 16;
      if (size < HEADER_SIZE || size > MAX_MESSAGE_BYTES || size & 3) {
        this.#become({ kind: "failed", reason: "it does not speak Wayland" });
        return;
      }
      if (incoming.length < size) return;
      this.#read(incoming.words[at] ?? 0, shape & 0xffff, at + 2);
      incoming.consume(size);
    }
  }

  sent(): void {}

  ended(reason: string | null): void {
    this.#become({
      kind: "failed",
      reason: reason ?? "it closed the connection",
    });
  }

  #read(object: number, opcode: number, at: number): void {
    const { words, bytes, tail } = this.#endpoint.incoming;
    const text = (word: number): string => {
      const start = (word + 1) << 2;
      const length = Math.min(words[word] ?? 0, tail - start);
      return length < 1 ? "" : decodeText(bytes, start, length - 1);
    };
    if (object === REGISTRY && opcode === GLOBAL) {
      const name = text(at + 1);
      const version = words[at + 2 + (((words[at + 1] ?? 0) + 3) >> 2)] ?? 0;
      this.#globals.push({ interface: name, version });
    } else if (object === CALLBACK) {
      this.#become({ kind: "answered", globals: this.#globals });
    } else if (object === DISPLAY && opcode === ERROR) {
      this.#become({ kind: "failed", reason: text(at + 2) });
    }
  }

  #become(state: ProbeState): void {
    if (this.#state.kind !== "waiting") return;
    this.#state = state;
    this.#onChange();
  }
}
