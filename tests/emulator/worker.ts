/**
 * A context's worker thread: it takes a fence, waits for one source, writes one
 * message to the channel page and signals the fence. Without a fence it touches
 * neither the compositor's socket nor a pipe.
 *
 * An error ends the thread for good. The guest learns nothing: its SENDs are
 * still made, and no fence is signalled any more.
 */
import { errnoName } from "../../ffi/errno.ts";
import { closeFd, readFd } from "../../ffi/fd.ts";
import type { Flushable, Loop, Timer, Watch } from "../../src/loop/loop.ts";
import type { Connection, Message } from "./connection.ts";
import type { Faults } from "./faults.ts";
import type { Fence } from "./fences.ts";
import { HostError } from "./host_error.ts";
import type { HostProfile } from "./host_profile.ts";
import type { Items } from "./items.ts";
import { WaitSet } from "./system.ts";
import {
  encodeRead,
  encodeReceive,
  type Identifier,
  LARGEST_RECEIVE,
  READ_WRITE_HEADER,
  sendHeader,
} from "./wire.ts";

/** The socket's name among the sources; a pipe has its id. */
const CHANNEL = 1;

/**
 * When a worker answers: within the call that gave it a fence, if it can, or
 * after it. Both are true of a thread.
 */
export const paces = ["at once", "later"] as const;

export type Pace = typeof paces[number];

export interface WorkerParts {
  readonly loop: Loop;
  readonly profile: HostProfile;
  readonly faults: Faults;
  readonly items: Items;
  readonly connection: Connection;
  readonly pace: Pace;
  /** The channel page, or null where the guest has taken it away. */
  page(): Uint8Array | null;
  /** Signals a fence. */
  signal(fence: Fence): void;
  /** Says what the guest does not hear. */
  log(text: string): void;
}

export class Worker implements Flushable, Disposable {
  flushPending = false;
  readonly #parts: WorkerParts;
  readonly #sources = new WaitSet();
  readonly #watch: Watch;
  readonly #jobs: (Fence | number)[] = [];
  #fence: Fence | null = null;
  #resample = false;
  /**
   * What was received with descriptors, while the table of items was locked.
   */
  #received: Message | null = null;
  /** Whether it waits for that table. */
  #isLockedOut = false;
  /** What came with descriptors that were passed on alone. */
  #rest: Uint8Array | null = null;
  #writing: Timer | null = null;
  #dead = false;
  #disposed = false;

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    this.#sources.add(parts.connection.fd, CHANNEL);
    this.#watch = parts.loop.watch(this.#sources.fd, {
      ready: () => this.flush(),
    });
    this.#watch.readable = false;
  }

  /** Whether it has ended by an error. */
  get isDead(): boolean {
    return this.#dead;
  }

  /** Polls that it has and has not answered. */
  get polls(): number {
    const waiting = this.#jobs.filter((job) => typeof job !== "number").length;
    return waiting + (this.#fence === null ? 0 : 1);
  }

  /** Gives it a fence to signal after the next message. */
  poll(fence: Fence): void {
    this.#jobs.push(fence);
  }

  /** Has it read a pipe too, from its next look at its jobs on. */
  addPipe(id: number): void {
    this.#jobs.push(id);
    this.#resample = true;
  }

  /** Ends it, as an error that a test injects. */
  kill(): void {
    this.#die("killed by the test");
  }

  /**
   * Lets it run: a thread may answer before the guest's call returns, or later.
   */
  wake(): void {
    if (this.#parts.pace === "at once") this.flush();
    else this.#parts.loop.beforeWait(this);
  }

  /** The table of items is free again. */
  unlocked(): void {
    if (this.#isLockedOut) this.wake();
  }

  /** Does what can be done without waiting. */
  flush(): void {
    if (this.#disposed) return;
    try {
      this.#isLockedOut = false;
      while (!this.#dead && this.#writing === null && this.#step());
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      this.#die(error.message);
    }
    this.#watch.readable = !this.#dead && this.#fence !== null &&
      this.#writing === null && !this.#isLockedOut;
  }

  /** Ends it in order: the fences that it has are signalled. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#writing?.[Symbol.dispose]();
    for (const fd of this.#received?.fds ?? []) closeFd(fd);
    this.#watch[Symbol.dispose]();
    this.#sources[Symbol.dispose]();
    if (this.#dead) return;
    const fences = this.#jobs.filter((job) => typeof job !== "number");
    if (this.#fence !== null) fences.unshift(this.#fence);
    for (const fence of fences) this.#parts.signal(fence);
  }

  /** Whether it must wait for the table of items. */
  #mustWait(): boolean {
    this.#isLockedOut = this.#parts.items.isLocked;
    return this.#isLockedOut;
  }

  #step(): boolean {
    if (this.#fence === null) return this.#takeJob();
    if (this.#resample) {
      // New pipes are added between fences only, so the fence goes to the end
      // of the queue.
      this.#resample = false;
      this.#jobs.push(this.#fence);
      this.#fence = null;
      return true;
    }
    if (this.#rest !== null) {
      const data = this.#rest;
      this.#rest = null;
      this.#receive(data, 0, []);
      return true;
    }
    if (this.#received !== null) {
      if (this.#mustWait()) return false;
      const message = this.#received;
      this.#received = null;
      this.#tell(message);
      return true;
    }
    const source = this.#sources.first();
    if (source === null) return false;
    if (source.id === CHANNEL) this.#receiveMessage();
    else if (this.#mustWait()) return false;
    else this.#readPipe(source.id, source.readable, source.hungUp);
    return true;
  }

  #takeJob(): boolean {
    const [job] = this.#jobs;
    if (job === undefined) return false;
    if (typeof job === "number" && this.#mustWait()) return false;
    this.#jobs.shift();
    if (typeof job !== "number") {
      this.#fence = job;
      return true;
    }
    const item = this.#parts.items.get(job);
    if (item?.kind !== "read pipe") throw new HostError("no such pipe");
    this.#sources.add(item.fd.number, job);
    return true;
  }

  #receiveMessage(): void {
    const { connection, faults, profile } = this.#parts;
    const largest = LARGEST_RECEIVE - sendHeader(profile.identifiers);
    const message = connection.receive(
      Math.min(largest, faults.receiveLimit),
      profile.receivedDescriptors,
    );
    if (message === null) return;
    const { data, fds } = message;
    if (fds.length > 0 && this.#mustWait()) {
      this.#received = message;
      return;
    }
    if (data.length === 0 && fds.length === 0 && profile.end === "silent") {
      this.#parts.log("the compositor has closed: a fence is lost");
      this.#fence = null;
      return;
    }
    this.#tell(message);
  }

  #tell({ data, fds }: Message): void {
    const { faults, items, profile } = this.#parts;
    const identifiers: Identifier[] = [];
    const left = [...fds];
    try {
      while (left.length > 0 && identifiers.length < profile.identifiers) {
        identifiers.push(items.addReceived(left.shift() ?? -1));
      }
    } finally {
      // Those without a slot are lost, and all after one that it cannot name.
      for (const fd of left) closeFd(fd);
    }
    if (faults.descriptorsEarly && fds.length > 0 && data.length > 1) {
      this.#rest = data.subarray(1);
      this.#receive(data.subarray(0, 1), fds.length, identifiers);
    } else this.#receive(data, fds.length, identifiers);
  }

  #receive(
    data: Uint8Array,
    count: number,
    identifiers: readonly Identifier[],
  ): void {
    const { identifiers: slots } = this.#parts.profile;
    const header = encodeReceive(slots, { count, identifiers, data });
    this.#write(header, data, "header");
  }

  #readPipe(id: number, readable: boolean, hungUp: boolean): void {
    const { faults, items } = this.#parts;
    const item = items.get(id);
    if (item?.kind !== "read pipe") throw new HostError("no such pipe");
    const room = this.#page().length - READ_WRITE_HEADER;
    const data = new Uint8Array(Math.min(room, faults.readLimit));
    const count = readable ? readFd(item.fd.number, data) : 0;
    if (count < 0) throw new HostError(`read: ${errnoName(-count)}`);
    if (hungUp && count === 0) {
      this.#sources.remove(item.fd.number);
      items.take(id);
      item.fd[Symbol.dispose]();
    }
    // It reads from the pipe into the page, and knows only then how much it
    // was.
    this.#write(encodeRead(id, count), data.subarray(0, count), "data");
  }

  #page(): Uint8Array {
    const page = this.#parts.page();
    if (page === null) throw new HostError("the channel page is gone");
    return page;
  }

  /** Writes what is first to the page, then the rest, and signals the fence. */
  #write(
    header: Uint8Array,
    data: Uint8Array,
    first: "header" | "data",
  ): void {
    const { faults, loop } = this.#parts;
    const fence = this.#fence;
    this.#fence = null;
    if (fence === null) throw new HostError("no fence for a message");
    const writeHeader = (): void => this.#page().set(header);
    const writeData = (): void => this.#page().set(data, header.length);
    if (first === "header") writeHeader();
    else writeData();
    const finish = (): void => {
      if (first === "header") writeData();
      else writeHeader();
      this.#parts.signal(fence);
    };
    if (faults.dataDelay === 0) finish();
    else {
      this.#writing = loop.after(faults.dataDelay, () => {
        this.#writing = null;
        finish();
        this.flush();
      });
    }
  }

  #die(reason: string): void {
    this.#dead = true;
    this.#parts.log(`worker halts: ${reason}`);
  }
}
