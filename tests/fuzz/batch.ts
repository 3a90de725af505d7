/** Batches of legal messages, as either peer of the fuzzer sends them. */
import type { MessageWriter } from "./message_writer.ts";
import type { Random } from "./random.ts";
import type { Wire } from "./wire.ts";

/** Who sends. */
interface Sender {
  readonly wire: Wire;
  readonly writer: MessageWriter;
  /** Writes one message, or all that follow from one. @returns its bytes; 0 where none was found */
  writeOne(): number;
}

/** Sends up to `most` messages, in one piece or in two. @returns how many */
export function sendBatch(
  sender: Sender,
  random: Random,
  most: number,
): number {
  const { writer, wire } = sender;
  if (wire.pending > 0) return 0;
  writer.reset();
  let count = 0;
  for (let i = 0; i < most && writer.hasRoom; i++) {
    if (sender.writeOne() > 0) count++;
  }
  const end = writer.at << 2;
  if (end > 0) {
    const cut = random.chance(10) ? 1 + random.below(end) : end;
    wire.send(end, writer.labels, cut);
  }
  return count;
}
