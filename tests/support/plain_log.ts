/**
 * The log as it is where nobody asks for more, all of it at the same moment.
 */
import type { OwnedFd } from "../../ffi/fd.ts";
import { Log } from "../../src/log/log.ts";
import { planLogging } from "../../src/log/options.ts";

/** One that writes into a borrowed descriptor. */
export function plainLog({ number }: OwnedFd): Log {
  const plan = planLogging({
    proxyName: "wl-proxy",
    verbose: false,
    suppress: [],
    ringPath: null,
    ringSizeBytes: 0,
  }, new Map());
  return new Log(plan, { fd: number, clock: () => 0 });
}
