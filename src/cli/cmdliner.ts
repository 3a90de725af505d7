/**
 * The command-line grammar of wayland-proxy-virtwl, which is that of the OCaml
 * library cmdliner:
 *
 *  - `--name=value` and `--name value`; `-n value`, `-nvalue`, and flags that
 *    share a dash (`-vn`);
 *  - any unambiguous beginning of a long name;
 *  - options and positional arguments in any order, until `--` makes all that
 *    follows positional;
 *  - a lone `-` is positional; the value of an option in an argument of its own
 *    may not begin with a dash;
 *  - `--help` wins over every mistake that stands beside it.
 *
 * A line is normalised here before any other parser sees it, so that nothing
 * else has to know these rules.
 */

import { alternatives, didYouMean } from "./near_matches.ts";

/** What the grammar has to know of an option. */
export interface GrammarOption {
  /** With its dashes: "--tag". The canonical name. */
  readonly long: string;
  /** With its dash: "-v". */
  readonly short?: string;
  /**
   * "optional" is `--help[=FORMAT]`: it takes the next argument, too, where
   * that is not an option.
   */
  readonly value: "none" | "required" | "optional";
  readonly repeatable: boolean;
}

/**
 * An option as it was given, under its canonical name; `value` is null where
 * there was none.
 */
export interface GivenOption {
  readonly name: string;
  readonly value: string | null;
}

/** A command line without ambiguity. */
export interface NormalisedLine {
  readonly options: readonly GivenOption[];
  readonly positionals: readonly string[];
  /**
   * Mistakes in the order in which they were found; where there are any, only
   * `--help` may be taken from `options`.
   */
  readonly errors: readonly string[];
}

interface NamedOption {
  readonly name: string;
  readonly option: GrammarOption;
}

function isOption(argument: string): boolean {
  return argument.length > 1 && argument.startsWith("-");
}

/**
 * Splits `--name=value` and `-nvalue`; the value is null where none is
 * attached.
 */
function splitArgument(argument: string): [name: string, value: string | null] {
  if (!argument.startsWith("--")) {
    return argument.length === 2
      ? [argument, null]
      : [argument.slice(0, 2), argument.slice(2)];
  }
  const equals = argument.indexOf("=");
  return equals < 0
    ? [argument, null]
    : [argument.slice(0, equals), argument.slice(equals + 1)];
}

/**
 * The option of this name or, for a long one, of this beginning; otherwise what
 * is wrong with it.
 */
function findOption(
  names: readonly NamedOption[],
  name: string,
  argument: string,
): GrammarOption | string {
  const exact = names.find((candidate) => candidate.name === name);
  if (exact !== undefined) return exact.option;
  const long = names.filter((candidate) => candidate.name.startsWith("--"));
  const begun = name.startsWith("--")
    ? long.filter((candidate) => candidate.name.startsWith(name))
    : [];
  const [only] = begun;
  if (only === undefined) {
    // `-tag` is read as `-t ag`; what was meant is more likely `--tag`.
    const meant = name.startsWith("--")
      ? name
      : splitArgument(`-${argument}`)[0];
    return `unknown option '${name}'${
      didYouMean(meant, long.map((option) => option.name))
    }`;
  }
  if (begun.length === 1) return only.option;
  const could = begun.map((candidate) => candidate.name).sort();
  return `option '${name}' is ambiguous, it could be ${alternatives(could)}`;
}

/** Reads a command line by the rules above. Values are not looked into. */
export function normaliseLine(
  grammar: readonly GrammarOption[],
  args: readonly string[],
): NormalisedLine {
  const names = grammar.flatMap((option) => [
    { name: option.long, option },
    ...(option.short === undefined ? [] : [{ name: option.short, option }]),
  ]);
  const options: GivenOption[] = [];
  const positionals: string[] = [];
  const errors: string[] = [];
  const spelling = new Map<GrammarOption, string>();
  const rest = [...args];

  for (
    let argument = rest.shift();
    argument !== undefined;
    argument = rest.shift()
  ) {
    if (argument === "--") {
      positionals.push(...rest);
      break;
    }
    if (!isOption(argument)) {
      positionals.push(argument);
      continue;
    }
    const [name, attached] = splitArgument(argument);
    const option = findOption(names, name, argument);
    if (typeof option === "string") {
      errors.push(option);
      continue;
    }
    let value = attached;
    if (option.value === "none") {
      if (attached !== null && !name.startsWith("--")) {
        rest.unshift(`-${attached}`);
        value = null;
      } else if (attached !== null) {
        errors.push(
          `option '${name}' is a flag, it cannot take the argument '${attached}'`,
        );
      }
    } else if (attached === null) {
      const [next] = rest;
      if (next !== undefined && !isOption(next)) {
        value = next;
        rest.shift();
      } else if (option.value === "required") {
        errors.push(`option '${name}' needs an argument`);
      }
    }
    const earlier = spelling.get(option);
    if (earlier !== undefined && !option.repeatable) {
      errors.push(repeated(earlier, name));
    }
    spelling.set(option, name);
    options.push({ name: option.long, value });
  }
  return { options, positionals, errors };
}

function repeated(first: string, second: string): string {
  return first === second
    ? `option '${first}' cannot be repeated`
    : `options '${first}' and '${second}' cannot be present at the same time`;
}

/**
 * The line again, in the one spelling that every parser understands:
 * `--name=value … -- positional …`.
 */
export function canonicalArguments(line: NormalisedLine): string[] {
  return [
    ...line.options.map(({ name, value }) =>
      value === null ? name : `${name}=${value}`
    ),
    "--",
    ...line.positionals,
  ];
}
