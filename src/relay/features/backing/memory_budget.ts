/**
 * How much host memory one client may have, and how much the relay makes for it
 * before others have their turn.
 *
 * All clients share what the host has. QEMU maps at most 4096 pieces, and has
 * the `hostmem` that it was started with, 8 GiB in its documentation's example;
 * one client gets a quarter of either. That is 200 windows of three shadows
 * with 3 MiB each, or 21 windows of 3840x2160 pixels. Each piece also is an
 * open descriptor here, where all clients share them. And the whole proxy waits
 * while the host makes a piece, some milliseconds on QEMU, so it must not make
 * all pieces of one client in one go.
 */
import type { SharedMemory } from "../../../host/endpoint.ts";
import type { Timer } from "../../../loop/loop.ts";
import type { FeatureRelay } from "../../feature.ts";
import type { CopyStatistics } from "./copy_statistics.ts";

/** Pieces that one client may have. */
export const MAX_PIECES = 1024;
/** Bytes that one client may have. */
export const MAX_BYTES = 2 * 1024 ** 3;
/** How often the relay asks the host for a piece in one turn of the loop. */
export const PIECES_PER_TURN = 4;

/** Why there is no memory. */
export type Shortage =
  /** The host has no more, or this process no room for another descriptor. */
  | "host"
  /** The client has reached its limit. */
  | "client"
  /** The compositor holds all buffers that a surface may have. */
  | "surface";

/** A piece of host memory, and what its kind needs besides. */
export interface Piece {
  readonly memory: SharedMemory;
}

/** What one client has and may have. */
export class MemoryBudget implements Disposable {
  readonly #relay: Pick<FeatureRelay, "loop" | "resume">;
  readonly #statistics: CopyStatistics;
  readonly #onExhausted: () => void;
  #pieces = 0;
  #bytes = 0;
  /** How often the relay has asked the host in this turn. */
  #attempts = 0;
  /** Whether `onExhausted` was called in this turn. */
  #isTrimmed = false;
  /** Whether a request of the client waits for the next turn. */
  #isHolding = false;
  /** Runs when the next turn has begun. */
  #turn: Timer | null = null;

  /** @param onExhausted recycles what surfaces have and could do without */
  constructor(
    relay: Pick<FeatureRelay, "loop" | "resume">,
    statistics: CopyStatistics,
    onExhausted: () => void,
  ) {
    this.#relay = relay;
    this.#statistics = statistics;
    this.#onExhausted = onExhausted;
  }

  /** Whether the relay must make no more pieces in this turn. */
  get isSpent(): boolean {
    return this.#attempts >= PIECES_PER_TURN;
  }

  /**
   * The verdict on a request that needs memory while the budget `isSpent`: the
   * request comes again in the next turn.
   */
  hold(): "hold" {
    this.#isHolding = true;
    return "hold";
  }

  /**
   * A piece of about this size, or why there is none. Where there is no room it
   * tries again after `giveBack`, and once more after `onExhausted`.
   *
   * @param make asks the host, and returns null where that has no room
   * @param giveBack frees cached pieces; returns whether there were any
   */
  obtain<T extends Piece>(
    bytes: number,
    make: () => T | null,
    giveBack: () => boolean,
  ): T | Shortage {
    let made = this.#attempt(bytes, make);
    if (typeof made === "string" && giveBack()) {
      made = this.#attempt(bytes, make);
    }
    if (typeof made === "string" && this.#trim() && giveBack()) {
      made = this.#attempt(bytes, make);
    }
    return made;
  }

  /** Counts a piece that goes back to the host. */
  giveBack(bytes: number): void {
    this.#add(-1, -bytes);
  }

  [Symbol.dispose](): void {
    this.#turn?.[Symbol.dispose]();
    this.#turn = null;
  }

  #attempt<T extends Piece>(
    bytes: number,
    make: () => T | null,
  ): T | Shortage {
    const isTooMuch = this.#pieces >= MAX_PIECES ||
      this.#bytes + bytes > MAX_BYTES;
    if (isTooMuch) return "client";
    this.#attempts++;
    this.#awaitTurn();
    const made = make();
    if (made === null) return "host";
    this.#add(1, made.memory.size);
    return made;
  }

  #add(pieces: number, bytes: number): void {
    this.#pieces += pieces;
    this.#bytes += bytes;
    this.#statistics.addAllocatedBytes(bytes);
  }

  /**
   * Goes through all surfaces of the client, which is expensive, so once in a
   * turn.
   */
  #trim(): boolean {
    if (this.#isTrimmed) return false;
    this.#isTrimmed = true;
    this.#awaitTurn();
    this.#onExhausted();
    return true;
  }

  #awaitTurn(): void {
    this.#turn ??= this.#relay.loop.after(0, () => {
      this.#turn = null;
      this.#attempts = 0;
      this.#isTrimmed = false;
      if (!this.#isHolding) return;
      this.#isHolding = false;
      this.#relay.resume("requests");
    });
  }
}
