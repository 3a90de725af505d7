// What the benchmarks' command lines have in common: words that are understood or refused, and how a run ends.

import { BenchError } from "./child.ts";

const encoder = new TextEncoder();

/** The command line asks for something that does not exist. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Results. */
export function print(text: string): void {
  Deno.stdout.writeSync(encoder.encode(text));
}

/** Progress and failures: not part of the result. */
export function report(text: string): void {
  Deno.stderr.writeSync(encoder.encode(text));
}

/** What `parse` makes of the arguments, by node's `parseArgs`. @throws {UsageError} where it does not know them */
export function understood<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message);
    throw error;
  }
}

/** The known word. @throws {UsageError} where it is not known */
export function choose<T extends string>(
  option: string,
  word: string,
  known: readonly T[],
): T {
  const found = known.find((name) => name === word);
  if (found !== undefined) return found;
  throw new UsageError(
    `--${option} does not know ${word}; it knows ${known.join(", ")}`,
  );
}

/** The known words among commas; all of them where there is no list. @throws {UsageError} */
export function chooseSome<T extends string>(
  option: string,
  list: string | undefined,
  known: readonly T[],
): readonly T[] {
  if (list === undefined) return known;
  return list.split(",").map((word) => choose(option, word, known));
}

/** A number above zero. @throws {UsageError} */
export function positive(
  option: string,
  word: string | undefined,
  otherwise: number,
): number {
  if (word === undefined) return otherwise;
  const number = Number(word);
  if (number > 0) return number;
  throw new UsageError(`--${option} needs a number above zero, not ${word}`);
}

/** The exit status of a run: 2 with the usage where the command line is wrong, 1 where a measurement failed. */
export async function statusOf(
  usage: string,
  run: () => Promise<number>,
): Promise<number> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof UsageError) {
      report(`${error.message}\n\n${usage}`);
      return 2;
    }
    if (error instanceof BenchError) {
      report(`${error.message}\n`);
      return 1;
    }
    throw error;
  }
}
