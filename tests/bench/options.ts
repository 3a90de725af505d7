// The command line of the benchmark.

import { parseArgs } from "node:util";
import { chooseSome, positive, understood } from "./command_line.ts";
import { peerNames } from "./peers.ts";
import type { PeerName } from "./peers.ts";
import { sectionNames } from "./workloads.ts";
import type { SectionName } from "./workloads.ts";

export const usage = `usage: deno task bench [options]

  --only=A,B          ${sectionNames.join(", ")}
  --peers=A,B         ${peerNames.join(", ")}
  --rounds=N          measured rounds; their medians are printed (7)
  --milliseconds=N    of each measurement (500), after a quarter of it to warm up
  --cpu=N             everything runs on this processor (the last one)
  --wayferry="WORDS"  how to run Wayferry (dist/wayferry, else deno run -A main.ts)
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
  readonly writeDocs: boolean;
  readonly hold: SectionName | undefined;
  readonly seconds: number;
}

/** Reads the arguments. @throws {UsageError} */
export function parseOptions(args: readonly string[]): Options | "help" {
  const values = parseArguments(args);
  if (values.help === true) return "help";
  const hold = values.hold;
  return {
    sections: chooseSome("only", values.only, sectionNames),
    peers: chooseSome("peers", values.peers, peerNames),
    rounds: positive("rounds", values.rounds, 7),
    milliseconds: positive("milliseconds", values.milliseconds, 500),
    cpu: values.cpu === undefined ? lastCpu() : Number(values.cpu),
    wayferry: values.wayferry?.trim().split(/\s+/) ?? defaultWayferry(),
    writeDocs: values["write-docs"] ?? false,
    hold: hold === undefined
      ? undefined
      : chooseSome("hold", hold, sectionNames)[0],
    seconds: positive("seconds", values.seconds, 20),
  };
}

/** The processor that is the least used by interrupts and by whoever else works here. */
export function lastCpu(): number {
  return navigator.hardwareConcurrency - 1;
}

/** The compiled executable where there is one, else the sources. */
export function defaultWayferry(): readonly string[] {
  const root = new URL("../../", import.meta.url).pathname;
  try {
    Deno.statSync(`${root}dist/wayferry`);
    return [`${root}dist/wayferry`];
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return ["deno", "run", "-A", `${root}main.ts`];
  }
}

function parseArguments(args: readonly string[]): {
  help?: boolean;
  only?: string;
  peers?: string;
  rounds?: string;
  milliseconds?: string;
  cpu?: string;
  wayferry?: string;
  "write-docs"?: boolean;
  hold?: string;
  seconds?: string;
} {
  return understood(() =>
    parseArgs({
      args: [...args],
      options: {
        help: { type: "boolean", short: "h" },
        only: { type: "string" },
        peers: { type: "string" },
        rounds: { type: "string" },
        milliseconds: { type: "string" },
        cpu: { type: "string" },
        wayferry: { type: "string" },
        "write-docs": { type: "boolean" },
        hold: { type: "string" },
        seconds: { type: "string" },
      },
    }).values
  );
}
