// The command line of the device benchmark.

import {
  type Fences,
  type Rutabaga,
  rutabagas,
} from "../../emulator/host_profile.ts";
import { Arguments } from "../command_line.ts";
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
  const given = new Arguments(
    args,
    ["only", "rounds", "milliseconds", "rutabaga", "fences"],
    ["write-docs"],
  );
  if (given.flag("help")) return "help";
  return {
    workloads: given.chooseSome(
      "only",
      deviceWorkloads.map(({ name }) => name),
    ),
    rounds: given.positive("rounds", 5),
    milliseconds: given.positive("milliseconds", 1000),
    rutabaga: given.choose("rutabaga", rutabagas, "0.1.85"),
    fences: given.choose("fences", fenceKinds, "fixed"),
    writeDocs: given.flag("write-docs"),
  };
}
