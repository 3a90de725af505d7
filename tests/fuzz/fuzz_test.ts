/**
 * The fuzzer's share of every test run. In a process of its own, since it
 * counts the descriptors that are open.
 */
import assert from "node:assert/strict";
import { join } from "node:path";

/**
 * `$FUZZ_SEED` chooses another seed; `deno task fuzz` runs ten times as many
 * messages with a new one.
 */
const SEED = Deno.env.get("FUZZ_SEED") ?? "1";
const MESSAGES = 1_000_000;

Deno.test(`a million messages, right and wrong, end only whom they should (seed ${SEED})`, () => {
  const { success, stdout, stderr } = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-check",
      "-A",
      join(import.meta.dirname ?? "", "main.ts"),
      "--messages",
      `${MESSAGES}`,
      "--seed",
      SEED,
    ],
  }).outputSync();
  const decoder = new TextDecoder();
  const output = decoder.decode(stdout);
  assert.ok(success, output + decoder.decode(stderr));
  const messages = Number(/ (\d+) messages,/.exec(output)?.[1]);
  assert.ok(messages >= MESSAGES, output);
});
