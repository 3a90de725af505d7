// The command line of the benchmark.

import { Arguments } from "./command_line.ts";
import { peerNames } from "./peers.ts";
import type { PeerName } from "./peers.ts";
import { isPresent } from "../support/files.ts";
import { sectionNames } from "./workloads.ts";
import type { SectionName } from "./workloads.ts";

export const usage = `usage: deno task bench [options]

  --only=A,B          ${sectionNames.join(", ")}
  --peers=A,B         ${peerNames.join(", ")}
  --rounds=N          measured rounds; their medians are printed (7)
  --milliseconds=N    of each measurement (500), after a quarter of it to warm up
  --cpu=N             everything runs on this processor (the last one)
  --wayferry="WORDS"  how to run Wayferry (dist/wayferry, else deno run -A main.ts)
  --before="WORDS"    another build of Wayferry, in the same rounds
  --write-docs        put the tables into docs/benchmarks.md
  --hold=WORKLOAD     no comparison: keep that workload running through one peer, for a profiler
  --seconds=N         of --hold (20)
`;

/** What the benchmark was asked to do. */
export interface Options {
  readonly sections: readonly SectionName[];
  readonly peers: readonly PeerName[];
  readonly rounds: number;
  readonly milliseconds: number;
  readonly cpu: number;
  /** The words that run Wayferry, without `proxy`. */
  readonly wayferry: readonly string[];
  /** The same of another build to compare with. */
  readonly before: readonly string[] | undefined;
  readonly writeDocs: boolean;
  readonly hold: SectionName | undefined;
  readonly seconds: number;
}

/** Reads the arguments. @throws {UsageError} */
export function parseOptions(args: readonly string[]): Options | "help" {
  const given = new Arguments(
    args,
    [
      "only",
      "peers",
      "rounds",
      "milliseconds",
      "cpu",
      "wayferry",
      "before",
      "hold",
      "seconds",
    ],
    ["write-docs"],
  );
  if (given.flag("help")) return "help";
  const before = given.word("before")?.trim().split(/\s+/);
  return {
    sections: given.chooseSome("only", sectionNames),
    peers: given.chooseSome("peers", peerNames).filter((name) =>
      name !== "before" || before !== undefined
    ),
    rounds: given.positive("rounds", 7),
    milliseconds: given.positive("milliseconds", 500),
    cpu: Number(given.word("cpu") ?? lastCpu()),
    wayferry: wayferryWords(given.word("wayferry")),
    before,
    writeDocs: given.flag("write-docs"),
    hold: given.word("hold") === undefined
      ? undefined
      : given.chooseSome("hold", sectionNames)[0],
    seconds: given.positive("seconds", 20),
  };
}

/**
 * The processor that is the least used by interrupts and by whoever else works
 * here.
 */
export function lastCpu(): number {
  return navigator.hardwareConcurrency - 1;
}

/**
 * The words that run Wayferry: those given, else the compiled executable where
 * there is one, else the sources.
 */
export function wayferryWords(given: string | undefined): readonly string[] {
  if (given !== undefined) return given.trim().split(/\s+/);
  const root = new URL("../../", import.meta.url).pathname;
  return isPresent(`${root}dist/wayferry`)
    ? [`${root}dist/wayferry`]
    : ["deno", "run", "-A", `${root}main.ts`];
}
