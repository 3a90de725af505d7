/**
 * What bytes of one side deserve: found by reading them with the rules, as the
 * relay must read them.
 */
import { Fault, type Heard } from "./heard.ts";
import type { MessageRules } from "./message_rules.ts";
import type { FuzzObject } from "./view.ts";

/** The end that a batch brings, or null where the relay goes on. */
export interface Verdict {
  readonly why: string;
  /** The client's object that the client is told about. */
  readonly objectId: number;
  readonly code: number;
  readonly isCertain: boolean;
}

/**
 * Reads a batch up to the first fault.
 *
 * @param start the byte where a message begins
 * @param labels of the descriptors that are there
 * @param take gets what is legal
 */
export function judge(
  rules: MessageRules,
  words: Int32Array,
  bytes: Uint8Array,
  start: number,
  end: number,
  labels: number[],
  take: (heard: Heard, size: number) => void,
): Verdict | null {
  for (let at = start; end - at >= 8;) {
    const size = (words[(at >> 2) + 1] ?? 0) >>> 16;
    const isPossible = size >= 8 && size <= 4096 && size % 4 === 0;
    if (isPossible && end - at < size) break;
    const heard = rules.apply(words, bytes, at >> 2, size, labels);
    if (heard instanceof Fault) {
      const { why, objectId, code, isCertain } = heard;
      return { why, objectId, code, isCertain };
    }
    if (heard.message.fullName === "wl_display.error") {
      return refusal(heard, words[(at >> 2) + 3] ?? 0);
    }
    take(heard, size);
    at += size;
  }
  return null;
}

/** What the client hears of an error of the host. */
function refusal({ named }: Heard, code: number): Verdict {
  const known: FuzzObject | null = named[0]?.peer ?? null;
  const isNamed = known !== null && (known.alive || known.id > 0);
  return {
    why: "the host's error",
    objectId: isNamed ? known.id : 1,
    code,
    isCertain: true,
  };
}
