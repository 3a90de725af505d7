/**
 * Counts what was sent to a host that has not answered it, and says when to ask
 * it for an answer, and when to wait for one.
 *
 * The question is a request in the stream, which the host answers when it has
 * read everything before it. All counting is by places in the stream, so that
 * it holds also for what is queued and not yet sent.
 */
import type { Queue } from "../wayland/queue.ts";

/** How much may be unanswered, and how much goes with one send. */
export interface MeterLimits {
  /** Sends that may be unanswered. */
  readonly sends: number;
  /** Bytes that may be unanswered. */
  readonly bytes: number;
  /** Bytes that fill one send. */
  readonly bytesPerSend: number;
  /** Descriptors that fill one send; of pipes it takes one. */
  readonly fdsPerSend: number;
}

/** A place in the stream: after a request that asks for an answer. */
interface Question {
  /** Stream position. */
  readonly end: number;
  /** How many sends were made until it was sent. */
  sends: number;
}

/** The meter of one endpoint's `outgoing`. */
export class SendMeter {
  readonly #limits: MeterLimits;
  readonly #queue: Queue;
  /** Sends that were made. */
  #sends = 0;
  /** Those without an answer, oldest first. */
  readonly #questions: Question[] = [];
  /** How many of them were sent. */
  #gone = 0;
  #answered: Question = { end: 0, sends: 0 };
  #asked: Question = this.#answered;

  constructor(queue: Queue, limits: MeterLimits) {
    this.#queue = queue;
    this.#limits = limits;
  }

  /**
   * Whether to ask the host for an answer, after what is queued: half of what
   * is allowed has gone or is queued since the last question.
   */
  get isDue(): boolean {
    const { sends, bytes } = this.#limits;
    return this.#reaches(this.#asked, sends >> 1, bytes >> 1);
  }

  /**
   * Whether what is unanswered, or queued, is as much as is allowed, so that no
   * more should be queued.
   */
  get isFull(): boolean {
    const { sends, bytes } = this.#limits;
    return this.#reaches(this.#answered, sends, bytes);
  }

  /**
   * Whether this many bytes may be sent now, at once. Where the host was not
   * asked yet they may: nothing would ever be answered.
   */
  allows(bytes: number): boolean {
    if (this.#gone === 0) return true;
    const { end, sends } = this.#answered;
    return this.#sends - sends < this.#limits.sends &&
      this.#queue.position + bytes - end <= this.#limits.bytes;
  }

  /** To be called when a request that asks for an answer was queued. */
  asked(): void {
    const { position, length } = this.#queue;
    const sends = this.#sends + this.#queuedSends();
    this.#asked = { end: position + length, sends };
    this.#questions.push(this.#asked);
  }

  /** To be called when the oldest of those was answered. */
  answered(): void {
    const question = this.#questions.shift();
    if (question === undefined) return;
    if (this.#gone > 0) this.#gone--;
    this.#answered = question;
  }

  /** To be called after each send, when the queue is without what was sent. */
  sent(): void {
    this.#sends++;
    for (;;) {
      const question = this.#questions[this.#gone];
      if (question === undefined || question.end > this.#queue.position) return;
      question.sends = this.#sends;
      this.#gone++;
    }
  }

  /** Whether the queue ends this many sends or bytes after a question. */
  #reaches(from: Question, sends: number, bytes: number): boolean {
    const { position, length, fdCount } = this.#queue;
    if (position + length - from.end >= bytes) return true;
    const room = sends - (this.#sends - from.sends);
    // more than one for each descriptor it never is, so that these are seldom
    // looked at one by one
    if (this.#sendsOfBytes(length) + fdCount < room) return false;
    return this.#queuedSends() >= room;
  }

  /** How many sends the queue takes, at most. */
  #queuedSends(): number {
    const queue = this.#queue;
    const { length, fdCount } = queue;
    let pipes = 0;
    for (let i = 0; i < fdCount; i++) {
      if (queue.fdKind(i) === "pipe_write_end") pipes++;
    }
    const others = Math.floor((fdCount - pipes) / this.#limits.fdsPerSend);
    return this.#sendsOfBytes(length) + pipes + others;
  }

  #sendsOfBytes(length: number): number {
    return Math.ceil(length / this.#limits.bytesPerSend);
  }
}
