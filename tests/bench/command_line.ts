// What the benchmarks' command lines have in common: words that are understood
// or refused, and how a run ends.

import { parseArgs, type ParseArgsConfig } from "node:util";
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

/** Options that take a word, and flags; each has `--help` and `-h`. */
export class Arguments<Word extends string, Flag extends string = never> {
  readonly #values: Readonly<Record<string, unknown>>;

  /** @throws {UsageError} where an argument is not one of the options */
  constructor(
    args: readonly string[],
    words: readonly Word[],
    flags: readonly Flag[] = [],
  ) {
    const options: NonNullable<ParseArgsConfig["options"]> = {
      help: { type: "boolean", short: "h" },
    };
    for (const word of words) options[word] = { type: "string" };
    for (const flag of flags) options[flag] = { type: "boolean" };
    try {
      this.#values = parseArgs({ args: [...args], options }).values;
    } catch (error) {
      if (error instanceof TypeError) throw new UsageError(error.message);
      throw error;
    }
  }

  word(name: Word): string | undefined {
    const value = this.#values[name];
    return typeof value === "string" ? value : undefined;
  }

  flag(name: Flag | "help"): boolean {
    return this.#values[name] === true;
  }

  /** A number above zero. @throws {UsageError} */
  positive(name: Word, otherwise: number): number {
    const word = this.word(name);
    if (word === undefined) return otherwise;
    const number = Number(word);
    if (number > 0) return number;
    throw new UsageError(`--${name} needs a number above zero, not ${word}`);
  }

  /**
   * The known word, `otherwise` without one.
   *
   * @throws {UsageError} where it is not known
   */
  choose<T extends string>(name: Word, known: readonly T[], otherwise: T): T {
    const word = this.word(name);
    return word === undefined ? otherwise : choose(name, word, known);
  }

  /**
   * The known words among commas; all of them where there is no list.
   *
   * @throws {UsageError}
   */
  chooseSome<T extends string>(name: Word, known: readonly T[]): readonly T[] {
    return this.word(name)?.split(",").map((word) =>
      choose(name, word, known)
    ) ?? known;
  }
}

function choose<T extends string>(
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

/**
 * The exit status of a run: 2 with the usage where the command line is wrong, 1
 * where a measurement failed.
 */
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
