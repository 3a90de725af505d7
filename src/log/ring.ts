/**
 * The log ring: the last part of the log, in memory.
 *
 * A message is stored as its words and a short header, and made into text only
 * when the ring is written to its file, so a record costs little more than a
 * copy. The memory is divided into chunks: when the last one is full, the
 * oldest is used again, so between three quarters and all of the ring is
 * history.
 */

import { type Message, MESSAGE_COUNT } from "../../protocols/tables.ts";
import {
  type LogLevel,
  logLevels,
  type LogSource,
  logSources,
  type ProxyName,
  sourceName,
} from "./level.ts";
import { formatMessage } from "./message_format.ts";
import { linePrefix } from "./timestamp.ts";
import { type Flow, formatTraceLine, type Side } from "./trace_line.ts";

const CHUNKS = 4;
const MIN_CHUNK_WORDS = 64;

// The words of every record's header: its length in words, header included; its
// kind (below); its time.
const LENGTH = 0;
const KIND = 1;
const SECOND = 2;
// A text's header goes on so, followed by its bytes.
const TEXT_BYTES = 3;
const TEXT_HEADER_WORDS = 4;
// A message's header goes on so, followed by its words.
const LABEL = 3;
const MESSAGE_INDEX = 4;
const OBJECT_ID = 5;
const MESSAGE_SIZE = 6;
const MESSAGE_HEADER_WORDS = 7;

// The bits of KIND: which of the two, what it needs to know, and the
// milliseconds of its time.
const IS_MESSAGE = 1;
const FROM_HOST_SIDE = 2;
const WAS_SENT = 4;
const LEVEL_SHIFT = 1;
const LEVEL_MASK = 3;
const SOURCE_SHIFT = 3;
const SOURCE_MASK = 7;
const MILLISECOND_SHIFT = 8;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Names a client in records. Each chunk holds a label once, however many
 * records it has.
 */
export class RingLabel {
  readonly text: string;
  /** For the ring: which use of a chunk has the label, and where. */
  chunkUse = -1;
  index = 0;

  constructor(text: string) {
    this.text = text;
  }
}

class Chunk {
  readonly words: Int32Array<ArrayBuffer>;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly labels: string[] = [];
  /** Index of the first free word. */
  end = 0;
  /** Tells this use of the chunk from others, of any chunk. */
  use = 0;

  constructor(words: number) {
    this.words = new Int32Array(words);
    this.bytes = new Uint8Array(this.words.buffer);
  }
}

/** Keeps the last lines of the log. */
export class LogRing {
  readonly #chunks: readonly Chunk[];
  /** The chunk that records go to; the oldest chunk is the one after it. */
  #current: Chunk;
  #currentIndex = 0;
  #uses = 0;
  /** Every message that was ever recorded, by its index. */
  readonly #messages = new Array<Message | null>(MESSAGE_COUNT).fill(null);

  readonly #proxyName: ProxyName;

  /**
   * @param sizeBytes how much memory to use; a few KiB at least are taken.
   * @param proxyName what lines of the proxy itself are called.
   */
  constructor(sizeBytes: number, proxyName: ProxyName) {
    this.#proxyName = proxyName;
    const words = Math.max(
      Math.floor(sizeBytes / 4 / CHUNKS),
      MIN_CHUNK_WORDS,
    );
    this.#current = new Chunk(words);
    this.#chunks = [
      this.#current,
      ...Array.from({ length: CHUNKS - 1 }, () => new Chunk(words)),
    ];
  }

  /**
   * Adds a line. One that does not fit into a chunk is cut.
   *
   * @param milliseconds whole milliseconds since 1970.
   */
  addText(
    milliseconds: number,
    source: LogSource,
    level: LogLevel,
    text: string,
  ): void {
    const capacity = (this.#current.words.length - TEXT_HEADER_WORDS) * 4;
    // no character has more than three bytes per UTF-16 unit
    const wanted = TEXT_HEADER_WORDS +
      Math.ceil(Math.min(text.length * 3, capacity) / 4);
    const chunk = this.#chunkWith(wanted);
    const start = chunk.end;
    const { written } = encoder.encodeInto(
      text,
      chunk.bytes.subarray((start + TEXT_HEADER_WORDS) * 4),
    );
    const length = TEXT_HEADER_WORDS + Math.ceil(written / 4);
    this.#writeHeader(
      chunk,
      length,
      (logLevels.indexOf(level) << LEVEL_SHIFT) |
        (logSources.indexOf(source) << SOURCE_SHIFT),
      milliseconds,
    );
    chunk.words[start + TEXT_BYTES] = written;
  }

  /**
   * Adds a message; the parameters are those of `MessageTrace.message`. One
   * that does not fit into a chunk is cut.
   */
  addMessage(
    milliseconds: number,
    label: RingLabel,
    side: Side,
    flow: Flow,
    message: Message,
    objectId: number,
    words: Int32Array,
    wordOffset: number,
    size: number,
  ): void {
    const count = Math.max(
      0,
      Math.min(
        size >>> 2,
        words.length - wordOffset,
        this.#current.words.length - MESSAGE_HEADER_WORDS,
      ),
    );
    const chunk = this.#chunkWith(MESSAGE_HEADER_WORDS + count);
    const start = chunk.end;
    const record = chunk.words;
    if (label.chunkUse !== chunk.use) {
      label.chunkUse = chunk.use;
      label.index = chunk.labels.push(label.text) - 1;
    }
    record[start + LABEL] = label.index;
    record[start + MESSAGE_INDEX] = message.index;
    record[start + OBJECT_ID] = objectId;
    record[start + MESSAGE_SIZE] = size;
    this.#messages[message.index] = message;
    const to = start + MESSAGE_HEADER_WORDS;
    for (let i = 0; i < count; i++) {
      record[to + i] = words[wordOffset + i] ?? 0;
    }
    this.#writeHeader(
      chunk,
      MESSAGE_HEADER_WORDS + count,
      IS_MESSAGE | (side === "host" ? FROM_HOST_SIDE : 0) |
        (flow === "sent" ? WAS_SENT : 0),
      milliseconds,
    );
  }

  /**
   * All lines that are left, the oldest first. Nothing may be added meanwhile.
   */
  *lines(): Generator<string> {
    for (let i = 1; i <= CHUNKS; i++) {
      const chunk = this.#chunks[(this.#currentIndex + i) % CHUNKS];
      if (chunk === undefined) continue;
      for (let at = 0; at < chunk.end; at += chunk.words[at + LENGTH] ?? 0) {
        yield this.#format(chunk, at);
      }
    }
  }

  /** Forgets everything. */
  clear(): void {
    for (const chunk of this.#chunks) this.#reuse(chunk);
  }

  #chunkWith(words: number): Chunk {
    const current = this.#current;
    if (current.end + words <= current.words.length) return current;
    this.#currentIndex = (this.#currentIndex + 1) % CHUNKS;
    const next = this.#chunks[this.#currentIndex] ?? current;
    this.#reuse(next);
    this.#current = next;
    return next;
  }

  #reuse(chunk: Chunk): void {
    chunk.end = 0;
    chunk.labels.length = 0;
    chunk.use = ++this.#uses;
  }

  #writeHeader(
    chunk: Chunk,
    length: number,
    kind: number,
    milliseconds: number,
  ): void {
    const { words, end } = chunk;
    const second = Math.floor(milliseconds / 1000);
    words[end + LENGTH] = length;
    words[end + KIND] = kind |
      ((milliseconds - second * 1000) << MILLISECOND_SHIFT);
    words[end + SECOND] = second;
    chunk.end = end + length;
  }

  #format(chunk: Chunk, at: number): string {
    const { words } = chunk;
    const kind = words[at + KIND] ?? 0;
    const milliseconds = ((words[at + SECOND] ?? 0) >>> 0) * 1000 +
      (kind >>> MILLISECOND_SHIFT);
    if ((kind & IS_MESSAGE) === 0) {
      const start = (at + TEXT_HEADER_WORDS) * 4;
      const bytes = chunk.bytes.subarray(
        start,
        start + (words[at + TEXT_BYTES] ?? 0),
      );
      const source = logSources[(kind >>> SOURCE_SHIFT) & SOURCE_MASK] ??
        "proxy";
      return linePrefix(
        milliseconds,
        sourceName(source, this.#proxyName),
        logLevels[(kind >>> LEVEL_SHIFT) & LEVEL_MASK] ?? "info",
      ) + decoder.decode(bytes);
    }
    const message = this.#messages[words[at + MESSAGE_INDEX] ?? -1] ?? null;
    if (message === null) {
      throw new Error("Cannot read the log ring: it has an unknown message");
    }
    return formatTraceLine(
      milliseconds,
      (kind & FROM_HOST_SIDE) === 0 ? "client" : "host",
      (kind & WAS_SENT) === 0 ? "received" : "sent",
      chunk.labels[words[at + LABEL] ?? -1] ?? "",
      formatMessage(
        message,
        (words[at + OBJECT_ID] ?? 0) >>> 0,
        words,
        at + MESSAGE_HEADER_WORDS,
        words[at + MESSAGE_SIZE] ?? 0,
        ((words[at + LENGTH] ?? 0) - MESSAGE_HEADER_WORDS) * 4,
      ),
    );
  }
}
