// The long checks: many clients at once, and many one after another. Memory and
// fds must return.
//
// Exits 1 when a client failed, an fd stayed open, or memory stayed 8 MiB above
// where it began.

import { delay } from "../support/wait.ts";
import { BenchError } from "./child.ts";
import { Arguments, print, statusOf } from "./command_line.ts";
import { lastCpu, wayferryWords } from "./options.ts";
import { peerNames, startHost, startPeer, startProgram } from "./peers.ts";
import type { Peer, Site } from "./peers.ts";
import { fdCount, memoryOf } from "./process_tree.ts";
import { buildPrograms } from "./programs.ts";
import { withScratch } from "./scratch.ts";

const usage =
  `usage: deno run -A tests/bench/endurance.ts [--clients=64] [--seconds=60] [--visits=10000] [--peer=off]
                                            [--wayferry="WORDS"] [--cpu=N]
`;
const OPTIONS = [
  "clients",
  "seconds",
  "visits",
  "peer",
  "wayferry",
  "cpu",
] as const;

const allowedGrowth = 8 * 2 ** 20;
const framesPerSecond = 30;

interface State {
  readonly fds: number;
  readonly resident: number;
}

function stateOf(peer: Peer): State {
  return { fds: fdCount(peer.pids), resident: memoryOf(peer.pids).resident };
}

function describe({ fds, resident }: State): string {
  return `${fds} fds, ${(resident / 2 ** 20).toFixed(1)} MiB`;
}

/**
 * Runs the client with these words, and returns what it printed.
 *
 * @throws {BenchError} when it fails
 */
async function runClient(
  site: Site,
  words: readonly string[],
  during: () => void,
): Promise<ReadonlyMap<string, number>> {
  await using client = startProgram(site, [site.programs.client, ...words]);
  const timer = setInterval(during, 1000);
  try {
    const values = await client.values();
    const { success } = await client.status();
    if (!success) throw new BenchError(`The client failed: ${words.join(" ")}`);
    return values;
  } finally {
    clearInterval(timer);
  }
}

/** Waits until the peer is where it was, at most ten seconds. */
async function returned(peer: Peer, before: State): Promise<boolean> {
  let now = stateOf(peer);
  const good = (): boolean =>
    now.fds === before.fds && now.resident <= before.resident + allowedGrowth;
  for (let waited = 0; waited < 10 && !good(); waited++) {
    await delay(1000);
    now = stateOf(peer);
  }
  print(
    `  before: ${describe(before)}; after: ${describe(now)}: ${
      good() ? "returned" : "NOT returned"
    }\n`,
  );
  return good();
}

async function checkSwarm(
  site: Site,
  peer: Peer,
  clients: number,
  seconds: number,
): Promise<boolean> {
  print(
    `${clients} clients at once, each ${framesPerSecond} frames a second for ${seconds} s\n`,
  );
  const before = stateOf(peer);
  let most = before;
  const values = await runClient(
    site,
    ["swarm", peer.displayName, String(clients), String(seconds)],
    () => {
      const now = stateOf(peer);
      most = now.resident > most.resident ? now : most;
    },
  );
  const get = (name: string): number => values.get(name) ?? NaN;
  const expected = clients * seconds * framesPerSecond;
  print(
    `  ${get("clients")} came through with ${
      get("frames")
    } of ${expected} frames; `,
  );
  print(
    `to the callback p50 ${get("p50")} µs, p99 ${get("p99")} µs, most ${
      get("max")
    } µs\n`,
  );
  print(`  at the most: ${describe(most)}\n`);
  return await returned(peer, before) && get("frames") === expected;
}

async function checkVisits(
  site: Site,
  peer: Peer,
  visits: number,
): Promise<boolean> {
  print(`${visits} connections one after another\n`);
  const before = stateOf(peer);
  const steps = 5;
  for (let step = 1; step <= steps; step++) {
    const count = String(Math.ceil(visits / steps));
    await runClient(site, ["visits", peer.displayName, count], () => {});
    print(
      `  ${Math.ceil(visits / steps) * step}: ${describe(stateOf(peer))}\n`,
    );
  }
  return await returned(peer, before);
}

async function check(
  given: Arguments<typeof OPTIONS[number]>,
  directory: string,
): Promise<boolean> {
  const site: Site = {
    directory,
    programs: buildPrograms(directory),
    cpu: Number(given.word("cpu") ?? lastCpu()),
    wayferry: wayferryWords(given.word("wayferry")),
  };
  await using _host = await startHost(site);
  await using peer = await startPeer(
    given.choose("peer", peerNames, "off"),
    site,
  );
  // What the first clients leave behind, loaded and compiled code for one, is
  // no leak.
  await runClient(site, ["visits", peer.displayName, "20"], () => {});
  await runClient(site, ["swarm", peer.displayName, "4", "5"], () => {});
  await delay(5000);
  const swarm = await checkSwarm(
    site,
    peer,
    given.positive("clients", 64),
    given.positive("seconds", 60),
  );
  const visits = await checkVisits(
    site,
    peer,
    given.positive("visits", 10_000),
  );
  return swarm && visits;
}

function main(): Promise<number> {
  return statusOf(usage, async () => {
    const given = new Arguments(Deno.args, OPTIONS);
    if (!given.flag("help")) {
      const run = (directory: string): Promise<boolean> =>
        check(given, directory);
      return await withScratch(print, run) ? 0 : 1;
    }
    print(usage);
    return 0;
  });
}

if (import.meta.main) main().then((status) => Deno.exit(status));
