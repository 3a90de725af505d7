/**
 * Copies from one application of this machine to another, through the host.
 *
 * The host's compositor gives the pipe that the host has made for a reader here
 * to a writer here. A WRITE into it while it is full stops the device's thread
 * until the host has read from it, which it does when a POLL asks for that; and
 * the POLL waits for the same thread. The machine would stand still forever. So
 * a writer goes no further ahead of what has arrived than the pipe has room
 * for.
 *
 * Nothing says which reader a writer writes to. Its pipe was there before, and
 * nothing had arrived through it; where several are like that, all must have
 * room. A reader that gets other bytes than were written is another one. So is
 * one that does not get them although the host reads for it: we send questions
 * on its connection, after the WRITEs, and the host answers each. Time means
 * nothing: a host that stands still for seconds answers nothing, and nor does
 * one whose thread for that reader has ended, with a pipe that nobody will
 * read.
 */

import type { Loop, Timer } from "../../loop/loop.ts";

/**
 * WRITEs ahead of what has arrived, each of which takes one of a pipe's places
 * at most. There are 16, but 2 where the VMM's user has many pipes open
 * (pipe(7), pipe-user-pages-soft), as many as a few applications here can make
 * it have.
 */
const MAX_AHEAD = 2;
/** Milliseconds between questions. */
const ANSWER_TIMEOUT_MS = 500;
/**
 * Answers after which a reader that has not got everything is another one. One
 * is not enough: it may have come before the data.
 */
const ENOUGH_ANSWERS = 4;

/**
 * Who can ask the host for an answer, which it gives when everything before is
 * done.
 */
export interface Asking {
  ask(answered: () => void): void;
}

/** A pipe that the host reads for us, until its end. */
export interface Arrival {
  /** Bytes that came. */
  readonly received: number;
  /** Asks on its connection. */
  readonly connection: Asking;
}

/** All of a machine, whichever connection they belong to. */
export class Arrivals {
  readonly #open = new Set<Arrival>();
  readonly #credits = new Set<PipeCredit>();

  /** The host has made a pipe for a reader. */
  add(arrival: Arrival): void {
    this.#open.add(arrival);
  }

  /** These came through it, and are counted. */
  came(arrival: Arrival, bytes: Uint8Array): void {
    for (const credit of [...this.#credits]) credit.came(arrival, bytes);
  }

  /** It is gone. */
  delete(arrival: Arrival): void {
    if (!this.#open.delete(arrival)) return;
    for (const credit of [...this.#credits]) credit.drop(arrival);
  }

  /** Those through which nothing came. */
  untouched(): Arrival[] {
    return [...this.#open].filter(({ received }) => received === 0);
  }

  /** Has a writer told of what comes and goes. */
  tell(credit: PipeCredit): void {
    this.#credits.add(credit);
  }

  /** Not any more. */
  stopTelling(credit: PipeCredit): void {
    this.#credits.delete(credit);
  }
}

/** A WRITE that may still be in the pipe. */
interface Piece {
  /** Up to where it goes. */
  readonly end: number;
  readonly bytes: Uint8Array;
}

/** A connection on which we ask the host. */
interface Question {
  answers: number;
  isOpen: boolean;
}

/** How much one writer may send now. */
export class PipeCredit implements Disposable {
  readonly #loop: Loop;
  readonly #arrivals: Arrivals;
  /** The pipes of which one may be the writer's. */
  readonly #candidates: Set<Arrival>;
  readonly #pieces: Piece[] = [];
  readonly #resume: () => void;
  #sent = 0;
  /** While it waits, who was asked since then. */
  #questions: Map<Asking, Question> | null = null;
  #timer: Timer | null = null;

  /** @param resume is called after `wait`, when there is room */
  constructor(loop: Loop, arrivals: Arrivals, resume: () => void) {
    this.#loop = loop;
    this.#arrivals = arrivals;
    this.#resume = resume;
    this.#candidates = new Set(arrivals.untouched());
    if (this.#candidates.size > 0) arrivals.tell(this);
  }

  /** Whether the pipe has room for a WRITE. */
  get hasRoom(): boolean {
    return this.#pieces.length < MAX_AHEAD;
  }

  /** A WRITE of these goes out. */
  wrote(bytes: Uint8Array): void {
    if (this.#candidates.size === 0) return;
    this.#sent += bytes.length;
    this.#pieces.push({ end: this.#sent, bytes: bytes.slice() });
  }

  /** Has `resume` called, once, unless this is disposed of before. */
  wait(): void {
    if (this.#questions !== null) return;
    this.#questions = new Map();
    this.#timer = this.#loop.after(ANSWER_TIMEOUT_MS, this.#ask);
  }

  /** For arrivals: these came through one. */
  came(arrival: Arrival, bytes: Uint8Array): void {
    if (!this.#candidates.has(arrival)) return;
    const start = arrival.received - bytes.length;
    if (this.#wasWritten(start, bytes)) this.#changed();
    else this.drop(arrival);
  }

  /** For arrivals: one is gone. */
  drop(arrival: Arrival): void {
    if (this.#candidates.delete(arrival)) this.#changed();
  }

  /** There is nothing to write any more. */
  [Symbol.dispose](): void {
    this.#stopWaiting();
    this.#arrivals.stopTelling(this);
    this.#candidates.clear();
    this.#pieces.length = 0;
  }

  #stopWaiting(): void {
    this.#questions = null;
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
  }

  #changed(): void {
    if (this.#candidates.size === 0) this.#arrivals.stopTelling(this);
    let arrived = Infinity;
    for (const { received } of this.#candidates) {
      arrived = Math.min(arrived, received);
    }
    const kept = this.#pieces.findIndex(({ end }) => end > arrived);
    this.#pieces.splice(0, kept < 0 ? MAX_AHEAD : kept);
    if (this.#questions === null || !this.hasRoom) return;
    this.#stopWaiting();
    this.#resume();
  }

  /**
   * Whether these are what was written from `start` on. What all have got is
   * not kept, so nobody asks for it.
   */
  #wasWritten(start: number, bytes: Uint8Array): boolean {
    const end = start + bytes.length;
    if (end > this.#sent) return false;
    return this.#pieces.every((piece) => {
      const first = piece.end - piece.bytes.length;
      const until = Math.min(end, piece.end);
      for (let at = Math.max(start, first); at < until; at++) {
        if (piece.bytes[at - first] !== bytes[at - start]) return false;
      }
      return true;
    });
  }

  readonly #ask = (): void => {
    const questions = this.#questions;
    if (questions === null) return;
    for (const { connection } of [...this.#candidates]) {
      const question = questions.get(connection) ??
        { answers: 0, isOpen: false };
      if (question.isOpen) continue;
      question.isOpen = true;
      questions.set(connection, question);
      connection.ask(() => {
        question.isOpen = false;
        question.answers++;
        // what is asked for another time of waiting says nothing
        if (questions === this.#questions) this.#answered(connection, question);
      });
    }
    this.#timer = this.#loop.after(ANSWER_TIMEOUT_MS, this.#ask);
  };

  #answered(asked: Asking, { answers }: Question): void {
    if (answers < ENOUGH_ANSWERS) return;
    for (const candidate of [...this.#candidates]) {
      const { connection, received } = candidate;
      if (connection === asked && received < this.#sent) this.drop(candidate);
    }
  }
}
