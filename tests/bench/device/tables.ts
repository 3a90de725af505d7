// The tables of the device benchmark.

import type { Sample } from "../measurement.ts";
import type { Table } from "../report.ts";
import { quantile, spreadOf } from "../statistics.ts";
import { type DeviceResult, RAREST } from "./results.ts";
import { type DeviceWorkload, deviceWorkloads } from "./workloads.ts";

/** Ratios, with half the distance between the quartiles of the rounds. */
export function deviceTable(
  results: ReadonlyMap<string, DeviceResult>,
): Table {
  const body = deviceWorkloads.flatMap((workload) => {
    const result = results.get(workload.name);
    if (result === undefined) return [];
    const whole = results.get(workload.whole ?? "");
    return workload.picture === null
      ? [
        row(workload, result, undefined, "p50"),
        row(workload, result, undefined, "p99"),
      ]
      : [row(workload, result, whole, "rate")];
  });
  return [[
    "",
    "without a proxy",
    "Wayferry",
    "of whole",
    "processor",
    "of whole",
    "bytes copied",
  ], ...body];
}

function row(
  workload: DeviceWorkload,
  result: DeviceResult,
  whole: DeviceResult | undefined,
  key: "p50" | "p99" | "rate",
): readonly string[] {
  const { direct, proxied } = result.samples;
  const speed = (sample: Sample): number => sample[key] ?? NaN;
  const processor = (sample: Sample): number => sample.processor;
  const absolute = quantile(direct.map(speed), 0.5);
  const before = whole?.samples.proxied;
  return [
    key === "rate" ? workload.title : `${workload.title}, ${key}`,
    key === "rate"
      ? `${absolute.toFixed(1)}/s`
      : `${(absolute / 1000).toFixed(2)} ms`,
    ratios(proxied, direct, speed),
    before === undefined ? "" : ratios(proxied, before, speed),
    key === "p99" ? "" : ratios(proxied, direct, processor),
    before === undefined ? "" : ratios(proxied, before, processor),
    result.copied === null ? "" : String(result.copied),
  ];
}

/** Of the one to the other in the same round. */
function ratios(
  samples: readonly Sample[],
  base: readonly Sample[],
  value: (sample: Sample) => number,
): string {
  return spreadOf(samples.flatMap((sample, round) => {
    const other = base[round];
    return other === undefined ? [] : [value(sample) / value(other)];
  }));
}

/**
 * What a round trip may cost: a SEND and a POLL, the event of the answer, and
 * for each of two wakes one call on the socket.
 */
const budget: ReadonlyMap<string, number> = new Map([
  ["ioctl DRM_IOCTL_VIRTGPU_EXECBUFFER", 2],
  ["read of the device", 1],
  ["recvmsg", 1],
  ["sendmsg", 1],
  ["epoll_wait", 2],
]);

/** System calls of one round trip. */
export function callTable(calls: ReadonlyMap<string, number>): Table {
  const names = new Set([...budget.keys(), ...calls.keys()]);
  return [
    ["system call", "per round trip", "budget", ""],
    ...[...names].map((name) => {
      const count = calls.get(name) ?? 0;
      const most = budget.get(name) ?? 0;
      return [
        name,
        String(Math.round(100 * count) / 100),
        String(most),
        count <= most + RAREST ? "met" : "missed",
      ];
    }),
  ];
}
