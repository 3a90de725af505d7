/** Help and manual pages. */

import assert from "node:assert/strict";
import { helpText, plainStyle, terminalStyle } from "../../../src/cli/help.ts";
import type { HelpTopic } from "../../../src/cli/invocation.ts";
import { manualPage } from "../../../src/cli/manual_page.ts";
import { flagParts, optionDefinitions } from "../../../src/cli/option_table.ts";

/** The options of wayland-proxy-virtwl, `--help` apart. */
const original = [
  "--log-ring-path",
  "--log-ring-size",
  "--log-suppress",
  "--tag",
  "--verbose",
  "--virtio-gpu",
  "--wayland-display",
  "--x-display",
  "--x-unscale",
  "--xrdb",
  "--xwayland-binary",
];

const longNames = optionDefinitions.map(({ flags }) => flagParts(flags).long);

Deno.test("every option of wayland-proxy-virtwl is there", () => {
  assert.deepEqual(original.filter((name) => !longNames.includes(name)), []);
});

Deno.test("no further option makes a beginning ambiguous that the original understands", () => {
  const further = longNames.filter((name) => !original.includes(name));
  for (const name of original) {
    for (let length = 3; length <= name.length; length++) {
      const beginning = name.slice(0, length);
      const wasUnique = original.filter((other) =>
        other.startsWith(beginning)
      ).length === 1;
      const clash = further.find((other) => other.startsWith(beginning));
      assert.ok(
        !wasUnique || clash === undefined,
        `${beginning} could now be ${clash}`,
      );
    }
  }
});

const topics: HelpTopic[] = [
  "wayland-proxy-virtwl",
  "wayferry",
  "wayferry proxy",
  "wayferry doctor",
  "wayferry completions",
];

for (const topic of topics) {
  Deno.test(`the help on ${topic} fits into a terminal of 80 columns`, () => {
    const text = helpText(topic, plainStyle);
    const long = text.split("\n").filter((line) => line.length > 80);
    assert.deepEqual(long, []);
    assert.ok(text.endsWith("\n") && !text.endsWith("\n\n"));
  });

  Deno.test(`the help on ${topic} says the same in colours`, () => {
    assert.equal(
      // deno-lint-ignore no-control-regex -- the colours are what is taken away
      helpText(topic, terminalStyle).replaceAll(/\x1b\[[\d;]*m/g, ""),
      helpText(topic, plainStyle),
    );
  });
}

for (const topic of ["wayland-proxy-virtwl", "wayferry proxy"] as const) {
  const file = topic.split(" ")[0];

  Deno.test(`help and manual of ${topic} have every option`, () => {
    const help = helpText(topic, plainStyle);
    const manual = manualPage(topic).replaceAll("\\-", "-");
    for (const name of longNames) {
      assert.ok(help.includes(name), `${name} is missing in the help`);
      assert.ok(
        manual.includes(`\\fB${name}\\fR`),
        `${name} is missing in the manual`,
      );
    }
  });

  Deno.test(`docs/${file}.1 is the manual of ${topic}`, () => {
    const path = new URL(`../../../docs/${file}.1`, import.meta.url);
    assert.equal(Deno.readTextFileSync(path), manualPage(topic));
  });
}
