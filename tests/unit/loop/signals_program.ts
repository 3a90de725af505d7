/**
 * The program of signals_test.ts: begins as main.ts does, then writes a
 * line for each signal until SIGTERM. First argument: whether it changes its
 * name before, which a wrapper would do.
 */

import {
  commandLine,
  executeProgram,
  executeWithSignalsBlocked,
} from "../../../ffi/process_image.ts";

const [mode, ...names] = Deno.args;
if (mode === "rename") {
  executeProgram(Deno.execPath(), [
    "called-by-another-name",
    ...commandLine().slice(1).map((word) => word === mode ? "renamed" : word),
  ]);
}
executeWithSignalsBlocked(["SIGINT", "SIGTERM", "SIGHUP"]);

import("../../../src/loop/loop.ts").then(async ({ Loop }) => {
  const { watchSignals } = await import("../../../src/loop/signals.ts");
  const say = (line: string): void => {
    Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
  };
  using loop = new Loop();
  using _signals = watchSignals(
    loop,
    ["SIGINT", "SIGTERM", "SIGHUP"],
    ({ name, pid }) => {
      say(`${name} from ${pid}`);
      if (name === "SIGTERM") loop.stop();
    },
  );
  say(JSON.stringify({ pid: Deno.pid, argv0: commandLine()[0], names }));
  loop.run();
  say("end");
});
