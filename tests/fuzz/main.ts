/**
 * The fuzzer as a program: `deno task fuzz --messages=10000000 --seed=1`; with
 * `--world` one world alone.
 */
import { parseArgs } from "node:util";
import { FuzzFailure } from "./failure.ts";
import { fuzz } from "./run.ts";

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text + "\n"));
}

const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "10000000" },
    seed: { type: "string" },
    world: { type: "string" },
  },
});
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const start = performance.now();
print(`seed ${seed}`);
try {
  const totals = fuzz({
    seed,
    messages: Number(values.messages),
    world: values.world === undefined ? null : Number(values.world),
    onProgress: ({ worlds, messages }) =>
      print(`${worlds} worlds, ${messages} messages`),
  });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  print(
    `${totals.worlds} worlds, ${totals.messages} messages, ${totals.delivered} delivered unchanged, in ${seconds} s`,
  );
} catch (error) {
  if (!(error instanceof FuzzFailure)) throw error;
  print(error.stack ?? error.message);
  Deno.exit(1);
}
