// Memory when idle, and when a client sends two million requests to a host that
// does not read for five seconds.
//
// A proxy's first client has it load and compile the code that all others use
// as well. So that this does not count for the flood, a client that works for a
// while comes before it, and idle is what there is when that one has left.

import { delay } from "../support/wait.ts";
import { BenchError, type Child } from "./child.ts";
import { measure } from "./measurement.ts";
import { startHost, startPeer, startProgram } from "./peers.ts";
import type { PeerName, Site } from "./peers.ts";
import { memoryOf } from "./process_tree.ts";
import type { Memory } from "./process_tree.ts";

const requests = 2_000_000;
const stoppedMilliseconds = 5_000;
const firstMilliseconds = 500;
/** After it a proxy that gives memory back has done so. */
const restMilliseconds = 5_000;

export interface FloodResult {
  /** Before the first client. */
  readonly fresh: Memory;
  /** When the first client, an ordinary one, has left. */
  readonly idle: Memory;
  /** With the one client connected that will flood. */
  readonly connected: Memory;
  /**
   * The most resident bytes seen while the host was stopped and until the last
   * request had its answer.
   */
  readonly peakResident: number;
  /** With the client still connected, a second after the last answer. */
  readonly after: Memory;
  /** Requests that the host has not received. */
  readonly lost: number;
  /** Of the flood, the host's pause included. */
  readonly seconds: number;
}

/**
 * Floods through a new peer.
 *
 * @throws {BenchError} when the client does not live through it
 */
export async function measureFlood(
  site: Site,
  name: PeerName,
): Promise<FloodResult> {
  await using host = await startHost(site);
  await using peer = await startPeer(name, site);
  await delay(500);
  const fresh = memoryOf(peer.pids);
  await measure(site, peer, "batched", firstMilliseconds);
  await delay(restMilliseconds);
  const before = await damagesOf(host);
  const idle = memoryOf(peer.pids);
  await using client = startProgram(site, [
    site.programs.client,
    "flood",
    peer.displayName,
    String(requests),
  ]);
  await client.values("ready");
  await delay(200);
  const connected = memoryOf(peer.pids);
  let peakResident = connected.resident;
  const sampling = setInterval(
    () => peakResident = Math.max(peakResident, memoryOf(peer.pids).resident),
    100,
  );
  try {
    host.signal("SIGSTOP");
    await client.write("go\n");
    await delay(stoppedMilliseconds);
    host.signal("SIGCONT");
    const values = await client.values("end");
    const damages = await damagesOf(host) - before;
    await delay(1000);
    const after = memoryOf(peer.pids);
    await client.endInput();
    const { success } = await client.status();
    if (!success) {
      throw new BenchError(
        `The flooding client through ${name} failed at its end`,
      );
    }
    return {
      fresh,
      idle,
      connected,
      peakResident,
      after,
      lost: requests - damages,
      seconds: values.get("seconds") ?? NaN,
    };
  } finally {
    clearInterval(sampling);
  }
}

/** How many requests have reached the host. */
async function damagesOf(host: Child): Promise<number> {
  host.signal("SIGUSR1");
  const counts = await host.values("end");
  return counts.get("damages") ?? 0;
}
