/**
 * Where the program begins.
 *
 * The signals that end it are read from a descriptor in the loop, and must be
 * blocked in every thread for that, also in those that Deno has started by now.
 * They are when they were blocked from the start, so we block them and execute
 * ourselves once more, before anything else is loaded. The process stays the
 * same, and with it LISTEN_PID and the name we were called by.
 */

import { commandLine, executeWithSignalsBlocked } from "./ffi/process_image.ts";

executeWithSignalsBlocked(["SIGINT", "SIGTERM", "SIGHUP"]);
const [calledAs = ""] = commandLine();
import("./src/cli/main.ts").then(({ main }) => main(calledAs, Deno.args));
