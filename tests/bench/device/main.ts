// What Wayferry costs inside a virtual machine: everything in one boot, the
// peers in turn, in ratios.
//
// One peer stands on src/virtgpu alone and draws into the host's memory; the
// other one is an ordinary application behind the proxy. The host is the one of
// the other benchmarks, which answers at once.

import { readIfPresent } from "../../support/files.ts";
import { makeScratch } from "../../support/scratch.ts";
import { requireExecutable } from "../../support/proxy.ts";
import { driver, startGuest } from "../../vm/support/guest.ts";
import { BenchError } from "../child.ts";
import { print, report, statusOf } from "../command_line.ts";
import { describeMachine, replaceSection } from "../documentation.ts";
import { lastCpu } from "../options.ts";
import { startHost } from "../peers.ts";
import { buildPrograms } from "../programs.ts";
import { keepQuiet } from "../quiet.ts";
import { type Table, toMarkdown, toText } from "../report.ts";
import { ROUND_TRIP_COUNTS, roundsScript, SHARED } from "./guest_script.ts";
import { type DeviceOptions, parseDeviceOptions, usage } from "./options.ts";
import { callsPerRoundTrip, parseResults } from "./results.ts";
import { callTable, deviceTable } from "./tables.ts";

const signals = ["SIGINT", "SIGTERM"] as const;

async function run(
  options: DeviceOptions,
  interrupted: Promise<never>,
): Promise<void> {
  const executable = await requireExecutable();
  using _quiet = keepQuiet(report);
  using scratch = makeScratch("bench");
  const directory = scratch.path;
  const programs = buildPrograms(directory);
  await using _host = await startHost({
    directory,
    programs,
    cpu: lastCpu(),
    wayferry: [],
  });
  report("the guest boots\n");
  const { rutabaga, fences, workloads, rounds, milliseconds } = options;
  await using guest = await startGuest(`${directory}/host`, {
    rutabaga,
    fences,
  });
  const { share } = guest;
  await Deno.copyFile(executable, `${share}/${SHARED.wayferry}`);
  await Deno.copyFile(programs.client, `${share}/${SHARED.client}`);
  await Deno.writeTextFile(`${share}/rounds`, roundsScript(options));
  const measured = workloads.length * 2 * (rounds + 3) * 1.25 * milliseconds;
  const seconds = Math.ceil(300 + 3 * measured / 1000);
  report(`${Math.ceil(measured / 1000)} s of measurements, and some more\n`);
  const { code, text } = await Promise.race([
    guest.run("sh /share/rounds", seconds),
    interrupted,
  ]);
  if (code !== 0) throw new BenchError(`In the guest:\n${text}`);
  show("virtio-gpu", deviceTable(parseResults(text)), options);
  const traceOf = (count: number): string | null =>
    readIfPresent(`${share}/${SHARED.trace(count)}`);
  const before = traceOf(ROUND_TRIP_COUNTS[0]);
  const after = traceOf(ROUND_TRIP_COUNTS[1]);
  if (before === null || after === null) {
    report("strace is not installed, so that no system calls are counted\n");
    return;
  }
  const calls = callsPerRoundTrip([before, after]);
  show("virtio-gpu calls", callTable(calls), options);
}

function show(name: string, table: Table, options: DeviceOptions): void {
  print(`\n${toText(table)}`);
  if (!options.writeDocs) return;
  const { rutabaga, fences, rounds, milliseconds } = options;
  const note =
    `${describeMachine()}; a guest without KVM, rutabaga_gfx ${rutabaga}, fences ${fences}; ${rounds} rounds of ${milliseconds} ms.`;
  replaceSection(name, `${note}\n\n${toMarkdown(table)}`);
}

function main(): Promise<number> {
  return statusOf(usage, async () => {
    const options = parseDeviceOptions(Deno.args);
    if (options === "help") {
      print(usage);
      return 0;
    }
    if (driver === undefined) {
      report(
        "There is no virtual machine: WAYFERRY_VM names no driver (docs/virtio-gpu.md says what that is)\n",
      );
      return 1;
    }
    const interrupted = Promise.withResolvers<never>();
    const interrupt = (): void =>
      interrupted.reject(new BenchError("interrupted"));
    for (const signal of signals) Deno.addSignalListener(signal, interrupt);
    interrupted.promise.catch(() => {});
    await run(options, interrupted.promise);
    return 0;
  });
}

if (import.meta.main) main().then((status) => Deno.exit(status));
