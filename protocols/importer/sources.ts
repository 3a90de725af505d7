/** Reads `sources.txt`, the list of Debian packages that protocol XML is taken from. */

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

/** Reads the list. */
export function parseSources(text: string): Source[] {
  return text.split("\n").flatMap((line, index) => {
    const words = line.trim().split(/\s+/);
    const [type, packageName, path, folder] = words;
    if (type === undefined || type === "" || type.startsWith("#")) {
      return [];
    }
    if (
      (type !== "binary" && type !== "source") || packageName === undefined ||
      path === undefined || folder === undefined
    ) {
      throw new SourceListError(
        `Cannot read sources.txt line ${
          index + 1
        }: expected "binary|source PACKAGE PATH FOLDER [TERMS]", found "${line}"`,
      );
    }
    return [{
      type,
      packageName,
      path,
      folder,
      terms: words.slice(4).join(" "),
    }];
  });
}
