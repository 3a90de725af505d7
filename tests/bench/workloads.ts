// What is measured, and what it should come to.

/**
 * A workload of programs/client.c, each in one column or more of its results.
 */
export const workloadNames = [
  "sync",
  "batched",
  "events",
  "objects",
  "fds",
  "frames",
  "full-frames",
  "connections",
] as const;

export type WorkloadName = typeof workloadNames[number];

/**
 * Everything `--only` can name: the workloads, and memory when idle and after a
 * flood.
 */
export const sectionNames = [...workloadNames, "flood"] as const;

export type SectionName = typeof sectionNames[number];

/**
 * One row of the table.
 *
 * `p50`, `p99` and `rate` are multiples of the direct connection's in the same
 * round: less is better of the first two, more of the last. `processor` is the
 * proxy's own microseconds for one operation.
 */
export interface Row {
  readonly title: string;
  readonly workload: WorkloadName;
  readonly value: "p50" | "p99" | "rate" | "processor";
  readonly goal?: number;
  /** What must be reached where the goal is not. */
  readonly least?: number;
}

export const rows: readonly Row[] = [
  {
    title: "sync, p50",
    workload: "sync",
    value: "p50",
    goal: 2.05,
    least: 2.1,
  },
  { title: "sync, p99", workload: "sync", value: "p99", goal: 3.0 },
  { title: "sync, rate", workload: "sync", value: "rate", goal: 0.5 },
  { title: "sync, processor µs", workload: "sync", value: "processor" },
  {
    title: "batched requests, rate",
    workload: "batched",
    value: "rate",
    goal: 0.8,
    least: 0.75,
  },
  {
    title: "batched requests, processor µs",
    workload: "batched",
    value: "processor",
    goal: 0.12,
  },
  {
    title: "events, rate",
    workload: "events",
    value: "rate",
    goal: 0.75,
    least: 0.7,
  },
  { title: "events, processor µs", workload: "events", value: "processor" },
  {
    title: "objects made and destroyed, rate",
    workload: "objects",
    value: "rate",
    goal: 0.65,
    least: 0.6,
  },
  { title: "objects, processor µs", workload: "objects", value: "processor" },
  {
    title: "fds passed, rate",
    workload: "fds",
    value: "rate",
    goal: 0.7,
    least: 0.65,
  },
  { title: "fds, processor µs", workload: "fds", value: "processor" },
  { title: "small frames, p50", workload: "frames", value: "p50" },
  {
    title: "small frames, rate",
    workload: "frames",
    value: "rate",
    goal: 0.5,
    least: 0.48,
  },
  {
    title: "small frames, processor µs",
    workload: "frames",
    value: "processor",
    goal: 12,
  },
  { title: "full frames, rate", workload: "full-frames", value: "rate" },
  {
    title: "full frames, processor µs",
    workload: "full-frames",
    value: "processor",
  },
  {
    title: "connections, rate",
    workload: "connections",
    value: "rate",
    goal: 0.25,
    least: 0.2,
  },
  {
    title: "connections, processor µs",
    workload: "connections",
    value: "processor",
  },
];

/**
 * "met", "least" (the goal is missed, but what must be reached is), "missed",
 * or "" where there is no goal.
 */
export function verdict(
  row: Row,
  value: number,
): "met" | "least" | "missed" | "" {
  const reaches = (bound: number | undefined): boolean =>
    bound !== undefined &&
    (row.value === "rate" ? value >= bound : value <= bound);
  if (row.goal === undefined) return "";
  if (reaches(row.goal)) return "met";
  return reaches(row.least) ? "least" : "missed";
}
