/**
 * Traces of a client's messages, on both of its connections.
 */

import type { Message } from "../../protocols/tables.ts";
import type { ClientLabel } from "./client_label.ts";
import type { Log } from "./log.ts";
import { formatMessage } from "./message_format.ts";
import { RingLabel } from "./ring.ts";
import {
  type Flow,
  formatTraceLine,
  type Side,
  sideSources,
} from "./trace_line.ts";

export type { Flow, Side };

/** Gets every message of a client, at the proxy's boundaries. */
export interface MessageTrace {
  /**
   * A message came or goes.
   *
   * @param side whose connection: the application's or the compositor's.
   * @param objectId the object it is for, unsigned, with its id on that side.
   * @param words holds the message, header and all, from `wordOffset` on; it
   * need not be well-formed.
   * @param size in bytes.
   */
  message(
    side: Side,
    flow: Flow,
    message: Message,
    objectId: number,
    words: Int32Array,
    wordOffset: number,
    size: number,
  ): void;
  /** Something else about this client that belongs between its messages. */
  note(text: string): void;
}

/**
 * The trace of a client, or null where none is wanted.
 *
 * @param label names the client in every line: a `ClientLabel`, or its text.
 */
export function createTrace(
  log: Log,
  label: string | ClientLabel,
): MessageTrace | null {
  const { stderrSources, ringSources } = log.plan;
  const isWanted = [sideSources.client, sideSources.host].some((source) =>
    stderrSources.has(source) || ringSources.has(source)
  );
  return isWanted ? new ClientTrace(log, label.toString()) : null;
}

/** Where messages of one side go. */
interface Destinations {
  readonly stderr: boolean;
  readonly ring: boolean;
}

class ClientTrace implements MessageTrace {
  readonly #log: Log;
  readonly #label: RingLabel;
  readonly #client: Destinations;
  readonly #host: Destinations;

  constructor(log: Log, label: string) {
    this.#log = log;
    this.#label = new RingLabel(label);
    this.#client = destinations(log, "client");
    this.#host = destinations(log, "host");
  }

  message(
    side: Side,
    flow: Flow,
    message: Message,
    objectId: number,
    words: Int32Array,
    wordOffset: number,
    size: number,
  ): void {
    const log = this.#log;
    if (log.suppress.hides(message)) return;
    const { stderr, ring } = side === "client" ? this.#client : this.#host;
    const time = log.time;
    if (ring) {
      log.ring?.addMessage(
        time,
        this.#label,
        side,
        flow,
        message,
        objectId,
        words,
        wordOffset,
        size,
      );
    }
    if (stderr) {
      const text = formatMessage(message, objectId, words, wordOffset, size);
      log.addLine(
        formatTraceLine(time, side, flow, this.#label.text, text),
      );
    }
  }

  note(text: string): void {
    this.#log.info("wl-client", `${this.#label.text} ${text}`);
  }
}

function destinations(log: Log, side: Side): Destinations {
  const source = sideSources[side];
  return {
    stderr: log.plan.stderrSources.has(source),
    ring: log.plan.ringSources.has(source),
  };
}
