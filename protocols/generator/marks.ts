/**
 * Reads the three hand-written lists that say what the XML does not:
 * `fd_kinds.txt`, `buffer_directions.txt` and `exposure.txt`. All have one
 * entry per line, a name and a value; `#` starts a comment.
 */

import {
  BUFFER_DIRECTIONS,
  type BufferDirection,
  FD_KINDS,
  type FdKind,
} from "../fd_kind.ts";

/** A list with a line that does not read, or that contradicts the XML. */
export class MarkError extends Error {
  override readonly name = "MarkError";
}

/** Reads `fd_kinds.txt`: "interface.message.argument kind" per line. */
export function parseFdKinds(text: string): Map<string, FdKind> {
  return parseList("fd_kinds.txt", text, (word) => {
    const kind = FD_KINDS.find((known) => known === word);
    if (kind === undefined) {
      throw new MarkError(
        `unknown kind "${word}", expected one of ${FD_KINDS.join(", ")}`,
      );
    }
    return kind;
  });
}

/**
 * Reads `buffer_directions.txt`: "interface.message.argument read|written" per
 * line.
 */
export function parseBufferDirections(
  text: string,
): Map<string, BufferDirection> {
  return parseList("buffer_directions.txt", text, (word) => {
    const direction = BUFFER_DIRECTIONS.find((known) => known === word);
    if (direction === undefined) {
      throw new MarkError(
        `unknown direction "${word}", expected "read" or "written"`,
      );
    }
    return direction;
  });
}

/** Reads `exposure.txt`: "global version" per line. */
export function parseExposure(text: string): Map<string, number> {
  return parseList("exposure.txt", text, (word) => {
    const version = Number(word);
    if (!/^[1-9][0-9]*$/.test(word)) {
      throw new MarkError(`"${word}" is not a version`);
    }
    return version;
  });
}

function parseList<Value>(
  file: string,
  text: string,
  parseValue: (word: string) => Value,
): Map<string, Value> {
  const entries = new Map<string, Value>();
  for (const [index, line] of text.split("\n").entries()) {
    const words = line.replace(/#.*/, "").trim().split(/\s+/);
    const [name, value] = words;
    if (name === undefined || name === "") {
      continue;
    }
    const place = `${file} line ${index + 1}`;
    if (value === undefined || words.length > 2) {
      throw new MarkError(
        `Cannot read ${place}: expected a name and a value, found "${line}"`,
      );
    }
    if (entries.has(name)) {
      throw new MarkError(`Cannot read ${place}: ${name} is listed twice`);
    }
    try {
      entries.set(name, parseValue(value));
    } catch (error) {
      throw error instanceof MarkError
        ? new MarkError(`Cannot read ${place}: ${error.message}`)
        : error;
    }
  }
  return entries;
}
