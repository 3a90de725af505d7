/**
 * From the text of an option's value to the value, with cmdliner's messages.
 */

import { type SuppressClass, suppressClassNames } from "../log/suppress.ts";
import { UsageError } from "./cli_error.ts";
import { alternatives, didYouMean } from "./near_matches.ts";

function invalid(option: string, text: string, expected: string): UsageError {
  return new UsageError(
    `option '${option}': invalid value '${text}', ${expected}`,
  );
}

/**
 * An integer as OCaml writes them: decimal, or with 0x, 0o or 0b in front;
 * underscores between the digits.
 *
 * @throws {UsageError} where the text is not an integer, or is outside of the
 * range
 */
export function parseInteger(
  option: string,
  text: string,
  minimum: number,
  maximum: number,
): number {
  const match =
    /^([+-]?)(0[xX][\da-fA-F][\da-fA-F_]*|0[oO][0-7][0-7_]*|0[bB][01][01_]*|0[uU]?\d[\d_]*|\d[\d_]*)$/
      .exec(text);
  if (match === null) throw invalid(option, text, "expected an integer");
  const digits = (match[2] ?? "").replaceAll("_", "").replace(/^0[uU]/, "");
  const value = (match[1] === "-" ? -1 : 1) * Number(digits);
  if (value < minimum || value > maximum) {
    throw invalid(
      option,
      text,
      `expected an integer from ${minimum} to ${maximum}`,
    );
  }
  return value;
}

/**
 * A list of suppress classes, separated by commas; empty elements count for
 * nothing, and an unambiguous beginning counts for its class.
 *
 * @throws {UsageError} where an element is not a class
 */
export function parseClasses(option: string, text: string): SuppressClass[] {
  return text.split(",").filter((element) => element !== "").map((element) => {
    const begun = suppressClassNames.filter((name) => name.startsWith(element));
    const [only] = begun;
    if (only !== undefined && begun.length === 1) return only;
    const [problem, expected] = only === undefined
      ? ["invalid", suppressClassNames]
      : ["ambiguous", begun];
    throw new UsageError(
      `option '${option}': invalid element in list ('${text}'): ${problem} value '${element}', ` +
        `expected one of ${alternatives(expected)}`,
    );
  });
}

/**
 * Checks that each of these names is a global that this version knows.
 *
 * @param known the names of all globals
 * @throws {UsageError} with the nearest names that exist
 */
export function checkGlobalNames(
  option: string,
  names: readonly string[],
  known: readonly string[],
): void {
  for (const name of names) {
    if (known.includes(name)) continue;
    throw new UsageError(
      `option '${option}': unknown global '${name}'${didYouMean(name, known)}`,
    );
  }
}
