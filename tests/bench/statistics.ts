// Medians and spreads of a few rounds.

/**
 * The value below which the share `share` (0…1) of the values lies,
 * interpolated. NaN of none.
 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const position = (sorted.length - 1) * share;
  const low = sorted[Math.floor(position)];
  const high = sorted[Math.ceil(position)];
  if (low === undefined || high === undefined) return NaN;
  return low + (high - low) * (position - Math.floor(position));
}

export interface Summary {
  readonly median: number;
  /** Half the distance between the quartiles. */
  readonly spread: number;
}

export function summarize(values: readonly number[]): Summary {
  return {
    median: quantile(values, 0.5),
    spread: (quantile(values, 0.75) - quantile(values, 0.25)) / 2,
  };
}

/** The median with the spread, for people. */
export function spreadOf(values: readonly number[]): string {
  const { median, spread } = summarize(values);
  const digits = median < 1 ? 3 : 2;
  return `${median.toFixed(digits)} ±${spread.toFixed(digits)}`;
}
