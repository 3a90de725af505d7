// The command line of the device benchmark.

import { parseArgs } from "node:util";
import {
  type Fences,
  type Rutabaga,
  rutabagas,
} from "../../emulator/host_profile.ts";
import { choose, chooseSome, positive, understood } from "../command_line.ts";
import { deviceWorkloads } from "./workloads.ts";

export const usage = `usage: WAYFERRY_VM=DRIVER deno task bench-device [options]

  --only=A,B          ${deviceWorkloads.map(({ name }) => name).join(", ")}
  --rounds=N          measured rounds; their medians are printed (5)
  --milliseconds=N    of each measurement (1000), after a quarter of it to warm up
  --rutabaga=VERSION  the host's engine: ${rutabagas.join(", ")} (0.1.85)
  --fences=KIND       stock: as QEMU has them, fixed (fixed)
  --write-docs        put the tables into docs/benchmarks.md

WAYFERRY_EXECUTABLE names an executable other than that in dist.
`;

/** What the benchmark was asked to do. */
export interface DeviceOptions {
  /** Names of the workloads. */
  readonly workloads: readonly string[];
  readonly rounds: number;
  readonly milliseconds: number;
  readonly rutabaga: Rutabaga;
  readonly fences: Fences;
  readonly writeDocs: boolean;
}

const fenceKinds: readonly Fences[] = ["fixed", "stock"];

/** Reads the arguments. @throws {UsageError} */
export function parseDeviceOptions(
  args: readonly string[],
): DeviceOptions | "help" {
  const values = parseArguments(args);
  if (values.help === true) return "help";
  return {
    workloads: chooseSome(
      "only",
      values.only,
      deviceWorkloads.map(({ name }) => name),
    ),
    rounds: positive("rounds", values.rounds, 5),
    milliseconds: positive("milliseconds", values.milliseconds, 1000),
    rutabaga: choose("rutabaga", values.rutabaga ?? "0.1.85", rutabagas),
    fences: choose("fences", values.fences ?? "fixed", fenceKinds),
    writeDocs: values["write-docs"] ?? false,
  };
}

function parseArguments(args: readonly string[]): {
  help?: boolean;
  only?: string;
  rounds?: string;
  milliseconds?: string;
  rutabaga?: string;
  fences?: string;
  "write-docs"?: boolean;
} {
  return understood(() =>
    parseArgs({
      args: [...args],
      options: {
        help: { type: "boolean", short: "h" },
        only: { type: "string" },
        rounds: { type: "string" },
        milliseconds: { type: "string" },
        rutabaga: { type: "string" },
        fences: { type: "string" },
        "write-docs": { type: "boolean" },
      },
    }).values
  );
}
