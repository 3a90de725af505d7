// A directory for one run, gone afterwards however the run ends.

import { killAll } from "./child.ts";

/** Runs the action with a new directory; a signal that interrupts it ends its processes too. */
export async function withScratch<T>(
  action: (directory: string) => Promise<T>,
): Promise<T> {
  const directory = Deno.makeTempDirSync({ prefix: "bench-wayferry-" });
  const interrupt = (): void => {
    killAll();
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
