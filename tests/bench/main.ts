// What Wayferry costs, set against a direct connection, a C forwarder that
// parses nothing, and waypipe.
//
// Everything runs on one processor, so that a proxy's work is seen in full; the
// peers take turns in every round, and a figure is the median over the rounds
// of its ratio to direct in the same round.

import { BenchError } from "./child.ts";
import { print, report, statusOf, UsageError } from "./command_line.ts";
import { describeMachine, replaceSection } from "./documentation.ts";
import { measureFlood } from "./flood.ts";
import type { FloodResult } from "./flood.ts";
import { measure, measureRounds } from "./measurement.ts";
import type { Rounds } from "./measurement.ts";
import { parseOptions, usage } from "./options.ts";
import type { Options } from "./options.ts";
import { startHost, startPeer } from "./peers.ts";
import type { Peer, PeerName, Site } from "./peers.ts";
import { buildPrograms } from "./programs.ts";
import { memoryTable, speedTable, toMarkdown, toText } from "./report.ts";
import type { Table } from "./report.ts";
import { withScratch } from "./scratch.ts";
import { workloadNames } from "./workloads.ts";
import type { WorkloadName } from "./workloads.ts";

async function run(options: Options, directory: string): Promise<void> {
  const programs = buildPrograms(directory);
  const siteOf = (name: string): Site => {
    const runtime = `${directory}/${name}`;
    Deno.mkdirSync(runtime, { mode: 0o700 });
    const { cpu, wayferry, before } = options;
    return { directory: runtime, programs, cpu, wayferry, before };
  };
  if (options.hold !== undefined) {
    await hold(siteOf("hold"), options);
    return;
  }
  const speed = await compareSpeed(siteOf("speed"), options);
  const floods = await compareFloods(siteOf, options);
  if (speed.length > 1) show("speed", speed, options);
  if (floods.length > 1) show("memory", floods, options);
}

function show(name: string, table: Table, options: Options): void {
  print(`\n${toText(table)}`);
  if (options.writeDocs) {
    const note =
      `${describeMachine()}; ${options.rounds} rounds of ${options.milliseconds} ms.`;
    replaceSection(name, `${note}\n\n${toMarkdown(table)}`);
  }
}

async function compareSpeed(site: Site, options: Options): Promise<Table> {
  const workloads = workloadNames.filter((name) =>
    options.sections.includes(name)
  );
  const results = new Map<WorkloadName, Rounds>();
  if (workloads.length > 0) {
    await using _host = await startHost(site);
    await using stack = new AsyncDisposableStack();
    const peers: Peer[] = [];
    // Without direct there is nothing to compare with.
    for (const name of new Set<PeerName>(["direct", ...options.peers])) {
      const peer = await tolerate(() => startPeer(name, site));
      if (peer !== undefined) peers.push(stack.use(peer));
    }
    for (const workload of workloads) {
      const { rounds, milliseconds } = options;
      results.set(
        workload,
        await measureRounds(
          site,
          peers,
          workload,
          rounds,
          milliseconds,
          report,
        ),
      );
    }
    return speedTable(results, peers.map((peer) => peer.name));
  }
  return [];
}

async function compareFloods(
  siteOf: (name: string) => Site,
  options: Options,
): Promise<Table> {
  const results = new Map<PeerName, FloodResult>();
  if (!options.sections.includes("flood")) return [];
  for (const name of options.peers) {
    report(`flood: ${name}\n`);
    const result = await tolerate(() =>
      measureFlood(siteOf(`flood-${name}`), name)
    );
    if (result !== undefined) results.set(name, result);
  }
  return memoryTable(results);
}

/**
 * Keeps one workload running through one peer, which a profiler can look at
 * meanwhile.
 */
async function hold(site: Site, options: Options): Promise<void> {
  const workload = workloadNames.find((name) => name === options.hold);
  if (workload === undefined) {
    throw new UsageError(`--hold cannot hold ${options.hold}`);
  }
  await using host = await startHost(site);
  const [name = "off"] = options.peers.length === 1
    ? options.peers
    : ["off" as const];
  await using peer = await startPeer(name, site);
  print(
    `${workload} through ${name}, pid ${
      peer.pids.join(" ")
    }; the host's is ${host.pid}\n`,
  );
  // A short run of its own warms up; the client warms up for another quarter of
  // what it measures.
  await measure(site, peer, workload, 1000);
  const sample = await measure(site, peer, workload, options.seconds * 800);
  print(
    `${Math.round(sample.rate)} operations/s, ${
      sample.processor.toFixed(4)
    } µs of processor each`,
  );
  if (sample.p50 !== undefined) {
    print(`, p50 ${sample.p50} µs, p99 ${sample.p99} µs`);
  }
  print("\n");
}

/**
 * A peer that does not work is reported and left out; the others are still
 * compared.
 */
async function tolerate<T>(action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof BenchError)) throw error;
    report(`${error.message}; it is left out\n`);
    return undefined;
  }
}

function main(): Promise<number> {
  return statusOf(usage, async () => {
    const options = parseOptions(Deno.args);
    if (options === "help") print(usage);
    else await withScratch(report, (directory) => run(options, directory));
    return 0;
  });
}

if (import.meta.main) main().then((status) => Deno.exit(status));
