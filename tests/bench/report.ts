// The tables: for the terminal, and as Markdown for docs/benchmarks.md.

import type { FloodResult } from "./flood.ts";
import { valuesOf } from "./measurement.ts";
import type { Rounds } from "./measurement.ts";
import { peerTitles } from "./peers.ts";
import type { PeerName } from "./peers.ts";
import { quantile, summarize } from "./statistics.ts";
import { rows, verdict } from "./workloads.ts";
import type { Row, WorkloadName } from "./workloads.ts";

/** Cells, the header first. */
export type Table = readonly (readonly string[])[];

/** Ratios to direct, with half the distance between the quartiles of the rounds. */
export function speedTable(
  results: ReadonlyMap<WorkloadName, Rounds>,
  peers: readonly PeerName[],
): Table {
  const proxies = peers.filter((peer) => peer !== "direct");
  const body = rows.flatMap((row) => {
    const rounds = results.get(row.workload);
    if (rounds === undefined) return [];
    const own = summarize(valuesOf(row, rounds, "off")).median;
    return [[
      row.title,
      absolute(row, rounds),
      ...proxies.map((peer) => cell(valuesOf(row, rounds, peer))),
      // Independent of how fast this machine's direct connection is.
      ratio(own, summarize(valuesOf(row, rounds, "c")).median),
      goalOf(row),
      Number.isNaN(own) ? "" : verdict(row, own),
    ]];
  });
  return [[
    "",
    "direct",
    ...proxies.map((peer) => peerTitles[peer]),
    "of C's",
    "goal",
    "",
  ], ...body];
}

/** Memory in MiB. */
export function memoryTable(floods: ReadonlyMap<PeerName, FloodResult>): Table {
  const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
  const body = [...floods].map(([peer, flood]) => [
    peerTitles[peer],
    mebibytes(flood.fresh.resident),
    mebibytes(flood.fresh.proportional),
    mebibytes(flood.fresh.anonymous),
    mebibytes(flood.idle.resident),
    mebibytes(flood.connected.resident),
    mebibytes(flood.peakResident),
    mebibytes(flood.after.resident),
    mebibytes(flood.after.resident - flood.idle.resident),
    mebibytes(flood.after.anonymous - flood.idle.anonymous),
    mebibytes(flood.after.resident - flood.fresh.resident),
    mebibytes(flood.after.anonymous - flood.fresh.anonymous),
    String(flood.lost),
    flood.seconds.toFixed(1),
  ]);
  return [
    [
      "",
      "fresh RSS",
      "PSS",
      "anonymous",
      "idle",
      "connected",
      "flood: peak",
      "after",
      "growth",
      "anonymous",
      "since fresh",
      "anonymous",
      "lost",
      "seconds",
    ],
    ...body,
  ];
}

/** Columns of equal width, the first to the left, the others to the right. */
export function toText(table: Table): string {
  const widths = columnWidths(table);
  return table.map((line) =>
    line.map((text, column) => align(text, column, widths)).join("  ")
      .trimEnd() + "\n"
  ).join("");
}

export function toMarkdown(table: Table): string {
  const widths = columnWidths(table);
  const line = (cells: readonly string[]): string =>
    `| ${
      cells.map((text, column) => align(text, column, widths)).join(" | ")
    } |\n`;
  const [header = [], ...body] = table;
  const rule = widths.map((width, column) =>
    column === 0 ? "-".repeat(width) : "-".repeat(Math.max(1, width - 1)) + ":"
  );
  return [header, rule, ...body].map(line).join("");
}

function columnWidths(table: Table): readonly number[] {
  return (table[0] ?? []).map((_, column) =>
    Math.max(...table.map((line) => line[column]?.length ?? 0), 3)
  );
}

function align(
  text: string,
  column: number,
  widths: readonly number[],
): string {
  const width = widths[column] ?? 0;
  return column === 0 ? text.padEnd(width) : text.padStart(width);
}

function absolute(row: Row, rounds: Rounds): string {
  if (row.kind === "processor") return "";
  const values = (rounds.get("direct") ?? []).map((sample) =>
    sample[row.value] ?? NaN
  );
  const median = quantile(values, 0.5);
  return row.kind === "rate"
    ? `${Math.round(median)}/s`
    : `${median.toFixed(1)} µs`;
}

function cell(values: readonly number[]): string {
  if (values.length === 0) return "failed";
  const { median, spread } = summarize(values);
  const digits = median < 1 ? 3 : 2;
  return `${median.toFixed(digits)} ±${spread.toFixed(digits)}`;
}

function ratio(value: number, base: number): string {
  return Number.isNaN(value / base) ? "" : (value / base).toFixed(2);
}

function goalOf(row: Row): string {
  if (row.goal === undefined) return "";
  const sign = row.kind === "rate" ? "≥" : "≤";
  return `${sign} ${row.goal}${
    row.least === undefined ? "" : ` (${row.least})`
  }`;
}
