/**
 * Where the program begins.
 *
 * The signals that end it are read from a descriptor in the loop, and so must be blocked in every thread, also in those that
 * Deno has started by now. They are, when they were blocked before it began: so block them and execute ourselves once more,
 * before anything else is loaded (ffi/process_image.ts). The process, its id and so LISTEN_PID stay the same, argv[0], by
 * which we know what we were called as, too.
 */

import {
  areSignalsBlocked,
  commandLine,
  executeProgram,
  setSignalsBlocked,
} from "./ffi/process_image.ts";
import type { SignalName } from "./ffi/signal_set.ts";

const SIGNALS: readonly SignalName[] = ["SIGINT", "SIGTERM", "SIGHUP"];

const argv = commandLine();
if (!areSignalsBlocked(SIGNALS)) {
  setSignalsBlocked(SIGNALS, "blocked");
  executeProgram(Deno.execPath(), argv);
}
// under `deno run` argv[0] is deno's name, unless the caller has given it another one
const [name = ""] = argv;
const isDeno = !Deno.build.standalone &&
  name.slice(name.lastIndexOf("/") + 1).startsWith("deno");
import("./src/cli/main.ts").then(({ main }) =>
  main(isDeno ? "wayferry" : name, Deno.args)
);
