/**
 * `deno task generate`: makes `generated/` from the XML facts in `xml/` and the
 * lists beside this file.
 */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { compile, type Sources } from "./generator/compile.ts";
import { emit, type GeneratedFile } from "./generator/emit.ts";
import { parseProtocol } from "./generator/facts.ts";
import {
  parseBufferDirections,
  parseExposure,
  parseFdKinds,
} from "./generator/marks.ts";

/** Reads everything that the generator needs from this folder. */
function readSources(): Sources {
  const files = readdirSync(new URL("xml/", import.meta.url), {
    recursive: true,
    encoding: "utf8",
  }).filter((file) => file.endsWith(".xml")).sort();
  return {
    protocols: files.map((file) => ({
      file,
      facts: parseProtocol(readText(`xml/${file}`), file),
    })),
    fdKinds: parseFdKinds(readText("fd_kinds.txt")),
    bufferDirections: parseBufferDirections(readText("buffer_directions.txt")),
    exposure: parseExposure(readText("exposure.txt")),
  };
}

/** Makes the text of all generated files from the files in this folder. */
export function generate(): GeneratedFile[] {
  return emit(compile(readSources()));
}

function readText(path: string): string {
  return readFileSync(new URL(path, import.meta.url), "utf8");
}

if (import.meta.main) {
  for (const { name, text } of generate()) {
    writeFileSync(new URL(`generated/${name}`, import.meta.url), text);
  }
}
