/**
 * Reads `sources.txt`, the list of Debian packages that protocol XML is taken
 * from.
 */

/** One line of the list. */
export interface Source {
  readonly type: "binary" | "source";
  readonly packageName: string;
  /** A file, or a folder ending in "/", inside the unpacked package. */
  readonly path: string;
  /** The folder below `xml/`. */
  readonly folder: string;
  /** The package's licence, for a file that states none; empty otherwise. */
  readonly terms: string;
}

/** A line of `sources.txt` that does not read. */
export class SourceListError extends Error {
  override readonly name = "SourceListError";
}

/** The list: what to take, and the files below `xml/` to leave out. */
export interface SourceList {
  readonly sources: readonly Source[];
  readonly excluded: ReadonlySet<string>;
}

/** Reads the list. */
export function parseSources(text: string): SourceList {
  const sources: Source[] = [];
  const excluded = new Set<string>();
  for (const [index, line] of text.split("\n").entries()) {
    const words = line.replace(/#.*/, "").trim().split(/\s+/);
    const [type, packageName, path, folder] = words;
    if (type === undefined || type === "") {
      continue;
    }
    if (type === "exclude" && packageName !== undefined && words.length === 2) {
      excluded.add(packageName);
      continue;
    }
    if (
      (type !== "binary" && type !== "source") || packageName === undefined ||
      path === undefined || folder === undefined
    ) {
      throw new SourceListError(
        `Cannot read sources.txt line ${
          index + 1
        }: expected "binary|source PACKAGE PATH FOLDER [TERMS]" or "exclude FILE", found "${line}"`,
      );
    }
    const terms = words.slice(4).join(" ");
    sources.push({ type, packageName, path, folder, terms });
  }
  return { sources, excluded };
}
