// The tables: for the terminal, and as Markdown for docs/benchmarks.md.

import type { FloodResult } from "./flood.ts";
import { valuesOf } from "./measurement.ts";
import type { Rounds } from "./measurement.ts";
import { peerTitles } from "./peers.ts";
import type { PeerName } from "./peers.ts";
import { quantile, spreadOf, summarize } from "./statistics.ts";
import { rows, verdict } from "./workloads.ts";
import type { Row, WorkloadName } from "./workloads.ts";

/** Cells, the header first. */
export type Table = readonly (readonly string[])[];

/**
 * Ratios to direct, with half the distance between the quartiles of the rounds.
 */
export function speedTable(
  results: ReadonlyMap<WorkloadName, Rounds>,
  peers: readonly PeerName[],
): Table {
  const proxies = peers.filter((peer) => peer !== "direct");
  const comparesBuilds = peers.includes("before");
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
      ...comparesBuilds ? [cell(ofBefore(row, rounds))] : [],
      goalOf(row),
      Number.isNaN(own) ? "" : verdict(row, own),
    ]];
  });
  return [[
    "",
    "direct",
    ...proxies.map((peer) => peerTitles[peer]),
    "of C's",
    ...comparesBuilds ? ["of before"] : [],
    "goal",
    "",
  ], ...body];
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}

const MEMORY_COLUMNS: readonly (readonly [
  title: string,
  cell: (flood: FloodResult) => string,
])[] = [
  ["fresh RSS", ({ fresh }) => mebibytes(fresh.resident)],
  ["PSS", ({ fresh }) => mebibytes(fresh.proportional)],
  ["anonymous", ({ fresh }) => mebibytes(fresh.anonymous)],
  ["idle", ({ idle }) => mebibytes(idle.resident)],
  ["connected", ({ connected }) => mebibytes(connected.resident)],
  ["flood: peak", ({ peakResident }) => mebibytes(peakResident)],
  ["after", ({ after }) => mebibytes(after.resident)],
  ["growth", ({ after, idle }) => mebibytes(after.resident - idle.resident)],
  [
    "anonymous",
    ({ after, idle }) => mebibytes(after.anonymous - idle.anonymous),
  ],
  [
    "since fresh",
    ({ after, fresh }) => mebibytes(after.resident - fresh.resident),
  ],
  [
    "anonymous",
    ({ after, fresh }) => mebibytes(after.anonymous - fresh.anonymous),
  ],
  ["lost", ({ lost }) => String(lost)],
  ["seconds", ({ seconds }) => seconds.toFixed(1)],
];

/** Memory in MiB. */
export function memoryTable(floods: ReadonlyMap<PeerName, FloodResult>): Table {
  return [
    ["", ...MEMORY_COLUMNS.map(([title]) => title)],
    ...[...floods].map(([peer, flood]) => [
      peerTitles[peer],
      ...MEMORY_COLUMNS.map(([, cell]) => cell(flood)),
    ]),
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
  if (row.value === "processor") return "";
  const values = (rounds.get("direct") ?? []).map((sample) =>
    sample[row.value] ?? NaN
  );
  const median = quantile(values, 0.5);
  return row.value === "rate"
    ? `${Math.round(median)}/s`
    : `${median.toFixed(1)} µs`;
}

function cell(values: readonly number[]): string {
  return values.length === 0 ? "failed" : spreadOf(values);
}

/** Wayferry's value as a multiple of the other build's in the same round. */
function ofBefore(row: Row, rounds: Rounds): readonly number[] {
  const before = valuesOf(row, rounds, "before");
  return valuesOf(row, rounds, "off").map((own, round) =>
    own / (before[round] ?? NaN)
  );
}

function ratio(value: number, base: number): string {
  return Number.isNaN(value / base) ? "" : (value / base).toFixed(2);
}

function goalOf(row: Row): string {
  if (row.goal === undefined) return "";
  const sign = row.value === "rate" ? "≥" : "≤";
  return `${sign} ${row.goal}${
    row.least === undefined ? "" : ` (${row.least})`
  }`;
}
