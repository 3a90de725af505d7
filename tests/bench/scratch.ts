// What one run of a benchmark has to itself: a directory and the machine, given
// back however it ends.

import { killAll } from "./child.ts";
import { keepQuiet } from "./quiet.ts";

/**
 * Runs the action with a new directory; a signal that interrupts it ends its
 * processes too.
 */
export async function withScratch<T>(
  report: (text: string) => void,
  action: (directory: string) => Promise<T>,
): Promise<T> {
  using quiet = keepQuiet(report);
  const directory = Deno.makeTempDirSync({ prefix: "bench-wayferry-" });
  const interrupt = (): void => {
    killAll();
    quiet[Symbol.dispose]();
    Deno.removeSync(directory, { recursive: true });
    Deno.exit(1);
  };
  for (const signal of signals) Deno.addSignalListener(signal, interrupt);
  try {
    return await action(directory);
  } finally {
    for (const signal of signals) Deno.removeSignalListener(signal, interrupt);
    Deno.removeSync(directory, { recursive: true });
  }
}

const signals = ["SIGINT", "SIGTERM"] as const;
