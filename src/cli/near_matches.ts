/**
 * What somebody may have meant by a name that does not exist.
 */

/**
 * The number of insertions, deletions and replacements of characters that turn
 * one text into the other (Levenshtein).
 */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}

/**
 * The candidates nearest to `name`, at most `limit` of them, best first; empty
 * where none is near. Near is: a typing mistake or two, or one name inside the
 * other ("xdg_shell" is not far from "zxdg_shell_v6", "viewporter" from
 * "wp_viewporter").
 */
function nearMatches(
  name: string,
  candidates: readonly string[],
  limit = 3,
): string[] {
  const allowed = name.length <= 4 ? 1 : name.length <= 12 ? 2 : 3;
  const ranked: { candidate: string; rank: number }[] = [];
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance <= allowed) {
      ranked.push({ candidate, rank: distance });
    } else if (
      name.length >= 4 && candidate.toLowerCase().includes(name.toLowerCase())
    ) {
      ranked.push({ candidate, rank: allowed + distance });
    }
  }
  ranked.sort((a, b) =>
    a.rank - b.rank || (a.candidate < b.candidate ? -1 : 1)
  );
  return ranked.slice(0, limit).map((entry) => entry.candidate);
}

/** "'a'", "'a' or 'b'", "'a', 'b' or 'c'". */
export function alternatives(names: readonly string[]): string {
  const quoted = names.map((name) => `'${name}'`);
  const last = quoted.pop() ?? "";
  return quoted.length === 0 ? last : `${quoted.join(", ")} or ${last}`;
}

/** ". Did you mean 'a' or 'b'?", or nothing where no candidate is near. */
export function didYouMean(
  name: string,
  candidates: readonly string[],
): string {
  const near = nearMatches(name, candidates);
  return near.length === 0 ? "" : `. Did you mean ${alternatives(near)}?`;
}
