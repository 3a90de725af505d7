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

function accepted(args: string[]): string[] {
  const line = normaliseLine(grammar, args);
  assert.deepEqual(line.errors, []);
  return canonicalArguments(line);
}

function refused(args: string[]): readonly string[] {
  return normaliseLine(grammar, args).errors;
}

const lines: { rule: string; args: string[]; canonical: string[] }[] = [
  {
    rule: "a value may be attached",
    args: ["--tag=a=b"],
    canonical: ["--tag=a=b", "--"],
  },
  {
    rule: "a value may follow",
    args: ["--tag", "a b"],
    canonical: ["--tag=a b", "--"],
  },
  {
    rule: "an attached value may be empty",
    args: ["--tag="],
    canonical: ["--tag=", "--"],
  },
  {
    rule: "an empty argument can be a value",
    args: ["--tag", ""],
    canonical: ["--tag=", "--"],
  },
  {
    rule: "a lone dash can be a value",
    args: ["--tag", "-"],
    canonical: ["--tag=-", "--"],
  },
  {
    rule: "an attached value may begin with a dash",
    args: ["--tag=-x"],
    canonical: ["--tag=-x", "--"],
  },
  {
    rule: "a long name may be shortened",
    args: ["--verb", "--ta=x"],
    canonical: ["--verbose", "--tag=x", "--"],
  },
  { rule: "a short name works", args: ["-v"], canonical: ["--verbose", "--"] },
  {
    rule: "a short name takes the rest of its argument",
    args: ["-nfoo"],
    canonical: ["--name=foo", "--"],
  },
  {
    rule: "a short name takes the next argument",
    args: ["-n", "foo"],
    canonical: ["--name=foo", "--"],
  },
  {
    rule: "flags share a dash",
    args: ["-vnfoo"],
    canonical: ["--verbose", "--name=foo", "--"],
  },
  {
    rule: "options may follow positionals",
    args: ["foot", "--tag", "x", "a"],
    canonical: ["--tag=x", "--", "foot", "a"],
  },
  {
    rule: "-- ends the options",
    args: ["-v", "--", "foot", "--tag", "-v"],
    canonical: ["--verbose", "--", "foot", "--tag", "-v"],
  },
  {
    rule: "a second -- is an argument",
    args: ["--", "a", "--", "b"],
    canonical: ["--", "a", "--", "b"],
  },
  {
    rule: "a lone dash is positional",
    args: ["-", "x"],
    canonical: ["--", "-", "x"],
  },
  {
    rule: "an empty argument is positional",
    args: ["", "x"],
    canonical: ["--", "", "x"],
  },
  {
    rule: "a repeatable option keeps its order",
    args: ["--xrdb", "b:1", "--xrdb=a:2"],
    canonical: ["--xrdb=b:1", "--xrdb=a:2", "--"],
  },
  {
    rule: "--help takes no value from an option",
    args: ["--help", "-v"],
    canonical: ["--help", "--verbose", "--"],
  },
  {
    rule: "--help takes the next argument",
    args: ["--help", "plain"],
    canonical: ["--help=plain", "--"],
  },
  { rule: "nothing at all is a line, too", args: [], canonical: ["--"] },
];

for (const { rule, args, canonical } of lines) {
  Deno.test(`cmdliner: ${rule}`, () => {
    assert.deepEqual(accepted(args), canonical);
  });
}

const mistakes: { name: string; args: string[]; errors: string[] }[] = [
  {
    name: "an unknown option",
    args: ["--bogus"],
    errors: ["unknown option '--bogus'"],
  },
  {
    name: "an unknown option that is near a known one",
    args: ["--tagg=x"],
    errors: ["unknown option '--tagg'. Did you mean '--tag'?"],
  },
  {
    name: "a long name with one dash",
    args: ["-tag", "x"],
    errors: ["unknown option '-t'. Did you mean '--tag'?"],
  },
  {
    name: "a negative number as a value of its own",
    args: ["--tag", "-1"],
    errors: ["option '--tag' needs an argument", "unknown option '-1'"],
  },
  {
    name: "an ambiguous beginning",
    args: ["--v"],
    errors: [
      "option '--v' is ambiguous, it could be '--verbose' or '--virtio-gpu'",
    ],
  },
  {
    name: "no value at the end",
    args: ["--tag"],
    errors: ["option '--tag' needs an argument"],
  },
  {
    name: "no value before --",
    args: ["--tag", "--", "x"],
    errors: ["option '--tag' needs an argument"],
  },
  {
    name: "a value for a flag",
    args: ["--virtio-gpu=yes"],
    errors: [
      "option '--virtio-gpu' is a flag, it cannot take the argument 'yes'",
    ],
  },
  {
    name: "an option twice",
    args: ["--tag=a", "--tag=b"],
    errors: ["option '--tag' cannot be repeated"],
  },
  {
    name: "a flag under both of its names",
    args: ["-v", "--verbose"],
    errors: ["options '-v' and '--verbose' cannot be present at the same time"],
  },
  {
    name: "several mistakes, each of which is told",
    args: ["--bogus", "--tag"],
    errors: ["unknown option '--bogus'", "option '--tag' needs an argument"],
  },
];

for (const { name, args, errors } of mistakes) {
  Deno.test(`cmdliner refuses ${name}`, () => {
    assert.deepEqual(refused(args), errors);
  });
}

Deno.test("cmdliner keeps --help beside mistakes, so that it can win over them", () => {
  const line = normaliseLine(grammar, ["--bogus", "--help=groff"]);
  assert.deepEqual(line.options, [{ name: "--help", value: "groff" }]);
});
