/**
 * `deno task import`: takes the facts of all protocols in `sources.txt` from
 * Debian's newest packages and replaces their folders in `xml/`. Runs on a
 * Debian system and installs nothing. `deno task generate` comes after it.
 */

import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parseProtocol } from "./generator/facts.ts";
import { DebianSuite, PackageError } from "./importer/debian.ts";
import { encodeProtocol } from "./importer/encode.ts";
import {
  parseSources,
  type Source,
  type SourceList,
} from "./importer/sources.ts";

/**
 * Reads every protocol in the packages; maps paths below `xml/` to their text.
 */
function collect(
  suite: DebianSuite,
  { sources, excluded }: SourceList,
): Map<string, string> {
  const files = new Map<string, string>();
  const packages = new Set<string>();
  const unseen = new Set(excluded);
  for (const source of sources) {
    const { folder, version } = suite.unpack(source.type, source.packageName);
    const origin = `${source.packageName} ${version}`;
    packages.add(origin);
    for (const path of listXml(folder, source.path)) {
      const name = `${source.folder}/${basename(path)}`;
      unseen.delete(name);
      if (excluded.has(name)) {
        continue;
      }
      if (files.has(name)) {
        throw new PackageError(`Cannot import ${path}: ${name} exists already`);
      }
      const facts = parseProtocol(readFileSync(path, "utf8"), name);
      const copyright = facts.copyright || statedTerms(source, name);
      const text = encodeProtocol(
        { ...facts, copyright },
        `${basename(path)} in ${origin}`,
      );
      files.set(name, text);
    }
  }
  if (unseen.size > 0) {
    throw new PackageError(
      `Cannot exclude ${[...unseen].join(", ")}: no package has it`,
    );
  }
  files.set("packages.txt", [...packages].sort().join("\n") + "\n");
  return files;
}

function listXml(folder: string, path: string): string[] {
  if (!path.endsWith("/")) {
    return [join(folder, path)];
  }
  const files = readdirSync(join(folder, path), {
    recursive: true,
    encoding: "utf8",
  }).filter((file) => file.endsWith(".xml")).sort();
  if (files.length === 0) {
    throw new PackageError(`Cannot import ${path}: no XML in it`);
  }
  return files.map((file) => join(folder, path, file));
}

function statedTerms(source: Source, name: string): string {
  if (source.terms === "") {
    throw new PackageError(
      `Cannot import ${name}: it states no licence; name the one of ${source.packageName} in sources.txt`,
    );
  }
  return `The file states no terms; its package ${source.packageName} is under ${source.terms}.`;
}

if (import.meta.main) {
  const xml = new URL("xml/", import.meta.url);
  const list = readFileSync(new URL("sources.txt", import.meta.url), "utf8");
  const folder = mkdtempSync(join(tmpdir(), "wayferry-import-"));
  try {
    const sourceList = parseSources(list);
    const files = collect(DebianSuite.open(folder), sourceList);
    for (const source of sourceList.sources) {
      rmSync(new URL(`${source.folder}/`, xml), {
        recursive: true,
        force: true,
      });
    }
    for (const [name, text] of files) {
      const file = new URL(name, xml);
      mkdirSync(new URL(".", file), { recursive: true });
      writeFileSync(file, text);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
