// Keeps others from disturbing a measurement: one benchmark at a time, and
// before all other work.

import { readIfPresent } from "../support/files.ts";

const autogroup = "/proc/self/autogroup";

/**
 * Waits until no other benchmark runs, and until the result is disposed lets
 * the scheduler prefer our whole session. The processes' own niceness does not
 * suffice: where the kernel has autogroups it only counts within a session.
 */
export function keepQuiet(report: (text: string) => void): Disposable {
  const lock = Deno.openSync(new URL(import.meta.url));
  // An advisory lock on this very file leaves nothing behind.
  if (!lock.tryLockSync(true)) {
    report("waiting for another benchmark to end\n");
    lock.lockSync(true);
  }
  const before = /nice (-?\d+)/.exec(readIfPresent(autogroup) ?? "")?.[1];
  const preferred = before !== undefined && Deno.uid() === 0;
  if (preferred) Deno.writeTextFileSync(autogroup, "-20");
  return {
    [Symbol.dispose](): void {
      if (preferred) Deno.writeTextFileSync(autogroup, before);
      lock.close();
    },
  };
}
