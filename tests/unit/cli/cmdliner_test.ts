/**
 * The grammar of the drop-in's command line, one rule of cmdliner after
 * another.
 */

import assert from "node:assert/strict";
import {
  canonicalArguments,
  type GrammarOption,
  normaliseLine,
} from "../../../src/cli/cmdliner.ts";

const grammar: readonly GrammarOption[] = [
  { long: "--tag", value: "required", repeatable: false },
  { long: "--xrdb", value: "required", repeatable: true },
  { long: "--virtio-gpu", value: "none", repeatable: false },
  { long: "--verbose", short: "-v", value: "none", repeatable: false },
  { long: "--name", short: "-n", value: "required", repeatable: false },
  { long: "--help", value: "optional", repeatable: true },
];

/**
 * A rule, the arguments, and the options and the positional arguments that they
 * mean.
 */
type Line = [
  rule: string,
  args: string[],
  options: string[],
  positional?: string[],
];

const lines: readonly Line[] = [
  ["a value may be attached", ["--tag=a=b"], ["--tag=a=b"]],
  ["a value may follow", ["--tag", "a b"], ["--tag=a b"]],
  ["an attached value may be empty", ["--tag="], ["--tag="]],
  ["an empty argument can be a value", ["--tag", ""], ["--tag="]],
  ["a lone dash can be a value", ["--tag", "-"], ["--tag=-"]],
  ["an attached value may begin with a dash", ["--tag=-x"], ["--tag=-x"]],
  [
    "a long name may be shortened",
    ["--verb", "--ta=x"],
    ["--verbose", "--tag=x"],
  ],
  ["a short name works", ["-v"], ["--verbose"]],
  [
    "a short name takes the rest of its argument",
    ["-nfoo"],
    ["--name=foo"],
  ],
  ["a short name takes the next argument", ["-n", "foo"], ["--name=foo"]],
  ["flags share a dash", ["-vnfoo"], ["--verbose", "--name=foo"]],
  [
    "options may follow positionals",
    ["foot", "--tag", "x", "a"],
    ["--tag=x"],
    ["foot", "a"],
  ],
  [
    "-- ends the options",
    ["-v", "--", "foot", "--tag", "-v"],
    ["--verbose"],
    ["foot", "--tag", "-v"],
  ],
  [
    "a second -- is an argument",
    ["--", "a", "--", "b"],
    [],
    ["a", "--", "b"],
  ],
  ["a lone dash is positional", ["-", "x"], [], ["-", "x"]],
  ["an empty argument is positional", ["", "x"], [], ["", "x"]],
  [
    "a repeatable option keeps its order",
    ["--xrdb", "b:1", "--xrdb=a:2"],
    ["--xrdb=b:1", "--xrdb=a:2"],
  ],
  [
    "--help takes no value from an option",
    ["--help", "-v"],
    ["--help", "--verbose"],
  ],
  ["--help takes the next argument", ["--help", "plain"], ["--help=plain"]],
  ["nothing at all is a line, too", [], []],
];

for (const [rule, args, options, positional = []] of lines) {
  Deno.test(`cmdliner: ${rule}`, () => {
    const line = normaliseLine(grammar, args);
    assert.deepEqual(line.errors, []);
    assert.deepEqual(
      canonicalArguments(line),
      [...options, "--", ...positional],
    );
  });
}

const mistakes: [name: string, args: string[], ...errors: string[]][] = [
  ["an unknown option", ["--bogus"], "unknown option '--bogus'"],
  [
    "an unknown option that is near a known one",
    ["--tagg=x"],
    "unknown option '--tagg'. Did you mean '--tag'?",
  ],
  [
    "a long name with one dash",
    ["-tag", "x"],
    "unknown option '-t'. Did you mean '--tag'?",
  ],
  [
    "a negative number as a value of its own",
    ["--tag", "-1"],
    "option '--tag' needs an argument",
    "unknown option '-1'",
  ],
  [
    "an ambiguous beginning",
    ["--v"],
    "option '--v' is ambiguous, it could be '--verbose' or '--virtio-gpu'",
  ],
  ["no value at the end", ["--tag"], "option '--tag' needs an argument"],
  [
    "no value before --",
    ["--tag", "--", "x"],
    "option '--tag' needs an argument",
  ],
  [
    "a value for a flag",
    ["--virtio-gpu=yes"],
    "option '--virtio-gpu' is a flag, it cannot take the argument 'yes'",
  ],
  [
    "an option twice",
    ["--tag=a", "--tag=b"],
    "option '--tag' cannot be repeated",
  ],
  [
    "a flag under both of its names",
    ["-v", "--verbose"],
    "options '-v' and '--verbose' cannot be present at the same time",
  ],
  [
    "several mistakes, each of which is told",
    ["--bogus", "--tag"],
    "unknown option '--bogus'",
    "option '--tag' needs an argument",
  ],
];

for (const [name, args, ...errors] of mistakes) {
  Deno.test(`cmdliner refuses ${name}`, () => {
    assert.deepEqual(normaliseLine(grammar, args).errors, errors);
  });
}

Deno.test("cmdliner keeps --help beside mistakes, so that it can win over them", () => {
  const line = normaliseLine(grammar, ["--bogus", "--help=groff"]);
  assert.deepEqual(line.options, [{ name: "--help", value: "groff" }]);
});
