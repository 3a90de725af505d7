// Rounds of one workload: each peer once a round, in turn, so that all of them
// see the same disturbances.

import { BenchError } from "./child.ts";
import { type Peer, type PeerName, type Site, startProgram } from "./peers.ts";
import type { Row, WorkloadName } from "./workloads.ts";

/** What programs/client.c measured. */
export interface Sample {
  /** Operations a second. */
  readonly rate: number;
  /** Microseconds; undefined where an operation is no round trip. */
  readonly p50: number | undefined;
  readonly p99: number | undefined;
  /** Microseconds of the proxy's processor time for one operation. */
  readonly processor: number;
}

/** The samples of one workload, by peer, one for each round. */
export type Rounds = ReadonlyMap<PeerName, readonly Sample[]>;

/**
 * Runs the workload once through the peer.
 *
 * @throws {BenchError} when the client fails
 */
export async function measure(
  site: Site,
  peer: Peer,
  workload: WorkloadName,
  milliseconds: number,
): Promise<Sample> {
  await using client = startProgram(site, [
    site.programs.client,
    workload,
    peer.displayName,
    String(milliseconds),
    ...peer.pids.map(String),
  ]);
  const values = await client.values();
  const { success } = await client.status();
  const sample = sampleOf(values);
  if (!success || sample === null) {
    throw new BenchError(
      `The client of "${workload}" through ${peer.name} failed`,
    );
  }
  return sample;
}

/**
 * The sample that a client has printed, or null where it has measured nothing.
 */
export function sampleOf(values: ReadonlyMap<string, number>): Sample | null {
  const operations = values.get("operations");
  const seconds = values.get("seconds");
  if (operations === undefined || seconds === undefined) return null;
  return {
    rate: operations / seconds,
    p50: values.get("p50"),
    p99: values.get("p99"),
    processor: (values.get("processorSeconds") ?? 0) * 1e6 / operations,
  };
}

/**
 * Runs all rounds of a workload, after one that only warms up. A peer that
 * fails has no samples.
 */
export async function measureRounds(
  site: Site,
  peers: readonly Peer[],
  workload: WorkloadName,
  rounds: number,
  milliseconds: number,
  report: (text: string) => void,
): Promise<Rounds> {
  const samples = new Map<PeerName, Sample[]>(
    peers.map((peer) => [peer.name, []]),
  );
  for (let round = 0; round <= rounds; round++) {
    const first = round % peers.length;
    for (const peer of [...peers.slice(first), ...peers.slice(0, first)]) {
      const list = samples.get(peer.name);
      if (list === undefined) continue;
      try {
        const sample = await measure(site, peer, workload, milliseconds);
        if (round > 0) list.push(sample);
      } catch (error) {
        if (!(error instanceof BenchError)) throw error;
        report(`${error.message}; it is left out\n`);
        samples.delete(peer.name);
      }
    }
    report(`\r${workload}: round ${round} of ${rounds} `);
  }
  report("\n");
  return samples;
}

/**
 * The row's value in each round: a multiple of direct's in that round, or plain
 * where the row says so.
 */
export function valuesOf(
  row: Row,
  rounds: Rounds,
  peer: PeerName,
): readonly number[] {
  const direct = rounds.get("direct");
  const own = rounds.get(peer) ?? [];
  if (row.value === "processor") return own.map((sample) => sample.processor);
  return own.map((sample, round) =>
    (sample[row.value] ?? NaN) / (direct?.[round]?.[row.value] ?? NaN)
  );
}
