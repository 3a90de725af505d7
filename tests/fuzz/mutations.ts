/**
 * Slightly illegal messages, made from legal ones, and bytes that are no
 * messages at all.
 */
import { DEVICE_LABEL } from "./descriptors.ts";
import { type MessageWriter, strangeId } from "./message_writer.ts";
import type { Random } from "../support/random.ts";
import type { View } from "./view.ts";

/**
 * Changes one thing about the message that stands at word `at`, the last one
 * that was written; its descriptors are those from `labelsFrom` on.
 */
export function spoilMessage(
  random: Random,
  view: View,
  writer: MessageWriter,
  at: number,
  labelsFrom: number,
): void {
  const { words, bytes } = writer;
  const count = writer.at - at;
  const place = at + 2 + random.below(Math.max(1, count - 2));
  switch (random.below(12)) {
    case 0:
      words[at] = strangeId(random, view);
      break;
    case 1:
      words[at + 1] = (words[at + 1] ?? 0) & ~0xffff | random.below(30);
      break;
    case 2:
      setSize(words, at, random.pick([0, 4, 7, 9, 4097, 4100, 0xfffc, 8, 12]));
      break;
    case 3:
    case 4:
      if (place < writer.at) words[place] = strangeId(random, view);
      break;
    case 5:
      if (place < writer.at) words[place] = random.number();
      break;
    case 6:
      if (place < writer.at) {
        words[place] = (words[place] ?? 0) + random.below(9) - 4;
      }
      break;
    case 7:
      if (count > 2) bytes[(place << 2) + random.below(4)] = 0;
      break;
    case 8:
      if (count > 2) bytes[(writer.at << 2) - 1 - random.below(8)] = 1;
      break;
    case 9:
      spoilLabels(random, writer.labels, labelsFrom);
      break;
    case 10:
      if (count > 2) {
        writer.at--;
        setSize(words, at, (count - 1) << 2);
      }
      break;
    case 11:
      writer.word(random.number());
      setSize(words, at, (count + 1) << 2);
      break;
  }
}

/** Takes descriptors away or adds some, behind the first `from`. */
export function spoilLabels(
  random: Random,
  labels: number[],
  from: number,
): void {
  switch (random.below(4)) {
    case 0:
      if (labels.length > from) labels.pop();
      break;
    case 1: {
      const count = random.below(random.chance(10) ? 100 : 3);
      for (let i = 0; i < count && labels.length < 250; i++) {
        labels.push(random.below(DEVICE_LABEL + 1));
      }
      break;
    }
    case 2:
      if (labels.length < 250) {
        labels.splice(from, 0, random.below(DEVICE_LABEL + 1));
      }
      break;
    default:
      if (labels.length > from) labels[from] = DEVICE_LABEL;
      break;
  }
}

/**
 * Spoils the bytes of a batch from `start` on, without regard to its messages.
 *
 * @param end behind the last of them
 * @returns what is their end then
 */
export function spoilBytes(
  random: Random,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  const from = start + random.below(end - start + 1);
  const length = random.below(Math.min(end - from, 64) + 1);
  switch (random.below(8)) {
    case 0:
    case 1:
    case 2: {
      const flips = 1 + random.below(4);
      for (let i = 0; i < flips && end > start; i++) {
        const place = start + random.below(end - start);
        bytes[place] = (bytes[place] ?? 0) ^ 1 << random.below(8);
      }
      return end;
    }
    case 3:
      return from;
    case 4:
      bytes.copyWithin(from, from + length, end);
      return end - length;
    case 5: {
      const inserted = random.bytes(random.below(64));
      bytes.copyWithin(from + inserted.length, from, end);
      bytes.set(inserted, from);
      return end + inserted.length;
    }
    case 6:
      bytes.copyWithin(from + length, from, end);
      return end + length;
    default: {
      const noise = random.bytes(random.length(4000));
      bytes.set(noise, start);
      return start + noise.length;
    }
  }
}

function setSize(words: Int32Array, at: number, size: number): void {
  words[at + 1] = size << 16 | ((words[at + 1] ?? 0) & 0xffff);
}
