/**
 * The log: lines to the standard error output, and into the log ring where
 * there is one.
 *
 * Logging never fails and never waits: whatever becomes of the standard error
 * output, the program goes on.
 */

import { SyscallError } from "../../ffi/error.ts";
import { borrowForeignOutput } from "../../ffi/foreign_output.ts";
import type { Flushable, Loop, Timer } from "../loop/loop.ts";
import { escapeText } from "./escape.ts";
import { type LogLevel, type LogSource, sourceName } from "./level.ts";
import { LineWriter } from "./line_writer.ts";
import type { LoggingPlan } from "./options.ts";
import { LogRing } from "./ring.ts";
import { appendToRingFile } from "./ring_file.ts";
import { SuppressTable } from "./suppress.ts";
import { linePrefix } from "./timestamp.ts";

const STANDARD_ERROR = 2;
/**
 * How long to wait before a reader that was too slow is tried again; twice as
 * long each time, up to the second figure.
 */
const FIRST_RETRY_MS = 10;
const LAST_RETRY_MS = 640;
/** How often, and at what interval, when the log is closed. */
const FINAL_TRIES = 10;
const FINAL_RETRY_MS = 20;

/** Where the log writes and what time it is; tests have others. */
export interface LogPlace {
  /** Borrowed. */
  readonly fd: number;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

/** Writes lines to the standard error output and to the ring. */
export class Log implements Disposable {
  /** What is logged where. */
  readonly plan: LoggingPlan;
  /** Null without a log ring. */
  readonly ring: LogRing | null;
  /** Which messages are left out. */
  readonly suppress: SuppressTable;
  readonly #clock: () => number;
  readonly #writer: LineWriter;
  readonly #endOfTurn: Flushable = {
    flushPending: false,
    flush: () => this.#flush(),
  };
  #loop: Loop | null = null;
  #retry: Timer | null = null;
  #retryMilliseconds = FIRST_RETRY_MS;

  /** Logs the plan's warnings at once. */
  constructor(
    plan: LoggingPlan,
    place: LogPlace = { fd: STANDARD_ERROR, clock: Date.now },
  ) {
    this.plan = plan;
    const { proxyName, ring } = plan;
    this.ring = ring === null ? null : new LogRing(ring.sizeBytes, proxyName);
    this.suppress = new SuppressTable(plan.suppress);
    this.#clock = place.clock;
    this.#writer = new LineWriter(
      borrowForeignOutput(place.fd),
      (lines) =>
        linePrefix(place.clock(), proxyName, "warning") +
        `${lines} log lines dropped: stderr was not read fast enough`,
    );
    for (const warning of plan.warnings) this.warning("proxy", warning);
  }

  /** Milliseconds since 1970, for lines. */
  get time(): number {
    return this.#clock();
  }

  /**
   * Something that must not happen happened, in us or around us. Also writes
   * the ring to its file.
   */
  error(source: LogSource, text: string): void {
    this.#write(source, "error", text);
    this.flushRing();
  }

  /**
   * Somebody should look at this: a client that had to be ended, an option
   * without effect.
   */
  warning(source: LogSource, text: string): void {
    this.#write(source, "warning", text);
  }

  /** What happens, for those who asked. */
  info(source: LogSource, text: string): void {
    this.#write(source, "info", text);
  }

  /** Details, which only the ring takes. */
  debug(source: LogSource, text: string): void {
    this.#write(source, "debug", text);
  }

  /** Whether such a line goes anywhere; for those that are costly to make. */
  isWanted(source: LogSource, level: LogLevel): boolean {
    return this.#goesToStderr(source, level) || this.#goesToRing(source, level);
  }

  /**
   * Appends the ring to its file and empties it. Without a ring, nothing
   * happens; where the file cannot be written there is a warning, and the ring
   * keeps what it has.
   */
  flushRing(): void {
    if (this.ring === null || this.plan.ring === null) return;
    try {
      appendToRingFile(this.plan.ring.path, this.ring.lines());
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      this.warning("proxy", `Cannot save the log ring: ${error.message}`);
      return;
    }
    this.ring.clear();
  }

  /**
   * Adds a line, made already, to what goes to the standard error output at the
   * end of this turn. For traces.
   */
  addLine(line: string): void {
    this.#writer.write(line);
    if (this.#loop === null) this.#flush();
    else this.#loop.beforeWait(this.#endOfTurn);
  }

  /**
   * From now on lines of one turn are written together, and a slow reader is
   * tried again later.
   *
   * @returns dispose it before the loop.
   */
  attach(loop: Loop): Disposable {
    this.#loop = loop;
    return {
      [Symbol.dispose]: () => {
        this.#loop = null;
        this.#endOfTurn.flushPending = false;
        this.#retry?.[Symbol.dispose]();
        this.#retry = null;
        this.#flush();
      },
    };
  }

  #write(source: LogSource, level: LogLevel, text: string): void {
    const toStderr = this.#goesToStderr(source, level);
    const toRing = this.#goesToRing(source, level);
    if (!toStderr && !toRing) return;
    const time = this.#clock();
    const escaped = escapeText(text);
    if (toRing) this.ring?.addText(time, source, level, escaped);
    if (toStderr) {
      const name = sourceName(source, this.plan.proxyName);
      this.#writer.write(linePrefix(time, name, level) + escaped);
      // at once: what follows may be our end
      this.#flush();
    }
  }

  #goesToStderr(source: LogSource, level: LogLevel): boolean {
    switch (level) {
      case "error":
      case "warning":
        return true;
      case "info":
        return this.plan.stderrSources.has(source);
      case "debug":
        return false;
    }
  }

  #goesToRing(source: LogSource, level: LogLevel): boolean {
    if (this.ring === null) return false;
    return level === "error" || level === "warning" ||
      this.plan.ringSources.has(source);
  }

  #flush(): void {
    if (this.#writer.flush() !== "pending") {
      this.#retryMilliseconds = FIRST_RETRY_MS;
      return;
    }
    const loop = this.#loop;
    if (loop === null || this.#retry !== null) return;
    this.#retry = loop.after(this.#retryMilliseconds, () => {
      this.#retry = null;
      this.#flush();
    });
    this.#retryMilliseconds = Math.min(
      this.#retryMilliseconds * 2,
      LAST_RETRY_MS,
    );
  }

  /**
   * Writes what is left, for which it waits a fifth of a second at most. The
   * ring is not flushed.
   */
  [Symbol.dispose](): void {
    const never = new Int32Array(new SharedArrayBuffer(4));
    for (let i = 0; i < FINAL_TRIES; i++) {
      if (this.#writer.flush() !== "pending") break;
      Atomics.wait(never, 0, 0, FINAL_RETRY_MS);
    }
    this.#writer[Symbol.dispose]();
  }
}
