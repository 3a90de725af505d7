// What the script in the guest has printed, and its traces.

import { BenchError } from "../child.ts";
import { type Sample, sampleOf } from "../measurement.ts";
import { FRAME_COUNTS, ROUND_TRIP_COUNTS } from "./guest_script.ts";

/**
 * A call that comes more rarely than once in this many round trips belongs to
 * none of them: V8 does its own work now and then.
 */
export const RAREST = 1 / 20;

export type DevicePeer = "direct" | "proxied";

/** One workload, its samples by round. */
export interface DeviceResult {
  readonly samples: Record<DevicePeer, Sample[]>;
  /**
   * Bytes that the proxy copied for one frame, once there have been some; null
   * for no frames.
   */
  copied: number | null;
}

/** Reads what was printed. @throws {BenchError} where a peer has failed */
export function parseResults(text: string): Map<string, DeviceResult> {
  const results = new Map<string, DeviceResult>();
  const copied = new Map<string, number>();
  const resultOf = (name: string): DeviceResult => {
    const known = results.get(name);
    if (known !== undefined) return known;
    const result = { samples: { direct: [], proxied: [] }, copied: null };
    results.set(name, result);
    return result;
  };
  let values = new Map<string, number>();
  let run: { peer: DevicePeer; workload: string; round: number } | null = null;
  for (const line of text.split("\n")) {
    const [word = "", first = "", second = "", third = ""] = line.split(" ");
    if (word === "run") {
      const peer = first === "direct" ? "direct" : "proxied";
      run = { peer, workload: second, round: Number(third) };
      values = new Map();
    } else if (word === "copied") {
      const before = copied.get(first);
      if (before === undefined) copied.set(first, Number(third));
      else {
        resultOf(first).copied = (Number(third) - before) /
          (FRAME_COUNTS[1] - FRAME_COUNTS[0]);
      }
    } else if (word !== "end") values.set(word, Number(first));
    else if (run !== null) {
      if (run.round > 0) {
        const sample = sampleOf(values);
        if (sample === null) {
          throw new BenchError(`A peer has measured nothing: ${run.workload}`);
        }
        resultOf(run.workload).samples[run.peer].push(sample);
      }
      run = null;
    }
  }
  return results;
}

/**
 * How often each system call was made, by its name, an ioctl's request, and
 * what it read. Reading the clock is not a call where the program can read it
 * without the kernel, as on most machines.
 */
export function countCalls(trace: string): Map<string, number> {
  const calls = new Map<string, number>();
  for (const line of trace.split("\n")) {
    const found = /^(\w+)\((?:\d+<([^>]*)>, (\w+)?)?/.exec(line);
    if (found === null) continue;
    const [, name = "", path = "", argument = ""] = found;
    if (name === "clock_gettime") continue;
    const call = name === "ioctl"
      ? `ioctl ${argument}`
      : name === "read"
      ? `read of ${path.startsWith("/dev/dri/") ? "the device" : path}`
      : name;
    calls.set(call, (calls.get(call) ?? 0) + 1);
  }
  return calls;
}

/**
 * Calls for one round trip: what the longer run has more, by the round trips
 * that it has more.
 */
export function callsPerRoundTrip(
  traces: readonly [string, string],
): Map<string, number> {
  const [before, after] = [countCalls(traces[0]), countCalls(traces[1])];
  const result = new Map<string, number>();
  for (const [name, count] of after) {
    const more = count - (before.get(name) ?? 0);
    const each = more / (ROUND_TRIP_COUNTS[1] - ROUND_TRIP_COUNTS[0]);
    if (each >= RAREST) result.set(name, each);
  }
  return result;
}
