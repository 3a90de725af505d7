/**
 * Programs on hosts that Debian 12 has too old or not at all; run by sid.ts in a root that has them, not by `deno test`.
 */
import assert from "node:assert/strict";
import { startKWin } from "../support/kwin.ts";
import { startMutter } from "../support/mutter.ts";
import { TestProcess } from "../support/process.ts";
import { startProxy } from "../support/proxy.ts";
import { makeScratch } from "../support/scratch.ts";
import { eventually } from "../support/wait.ts";
import { testPrograms } from "./comparison.ts";
import { LARGE_PROGRAMS } from "./large_programs.ts";
import { prepareHome, type Program, programEnvironment } from "./program.ts";
import { PROGRAMS } from "./programs.ts";
import { WESTON_CLIENTS } from "./weston_clients.ts";

const ALL = [...PROGRAMS, ...WESTON_CLIENTS, ...LARGE_PROGRAMS];

/** They are transparent, or black, on KWin's black. */
const UNSEEN_ON_KWIN = ["weston-smoke", "weston-simple-egl"];

testPrograms(
  "kwin",
  startKWin,
  ALL.filter(({ name }) => !UNSEEN_ON_KWIN.includes(name)),
);

for (
  const program of ALL.filter((candidate) => candidate.onlyOn === undefined)
) {
  Deno.test(`on mutter, ${program.name} is shown and told the same through the proxy as it is directly`, async () => {
    await using host = await startMutter();
    using home = makeScratch("home");
    const direct = await listen(program, home.path, host.waylandDisplay);
    await using proxy = await startProxy(host.waylandDisplay);
    const proxied = await listen(program, home.path, proxy.waylandDisplay);
    assert.deepEqual(proxied, direct);
    await proxy.requireNoLeakedFds();
    await proxy.finish();
  });
}

/** Runs a program until it has drawn, and returns what it said and was told that a picture would not show better. */
async function listen(
  program: Program,
  home: string,
  waylandDisplay: string,
): Promise<Record<string, unknown>> {
  prepareHome(home, program);
  await using application = new TestProcess(program.argv, {
    logPath: `${home}/output.log`,
    environment: {
      ...programEnvironment(home, waylandDisplay),
      ...program.environment,
      WAYLAND_DEBUG: "1",
    },
    workingDirectory: home,
  });
  const log = await eventually(
    `${program.name} has drawn a window that mutter shows`,
    30_000,
    () => {
      application.requireRunning();
      const text = application.log();
      const isShown = /wl_surface[@#]\d+\.enter\(/.test(text) &&
        /xdg_toplevel[@#]\d+\.configure\(/.test(text);
      return isShown ? text : undefined;
    },
  );
  const sizes = [...log.matchAll(/xdg_toplevel[@#]\d+\.configure\((\d+, \d+)/g)]
    .map((match) => match[1]);
  return {
    titles: collect(log, /set_title\((".*")\)/g),
    applications: collect(log, /set_app_id\((".*")\)/g),
    size: sizes[0],
  };
}

function collect(log: string, pattern: RegExp): string[] {
  return [...new Set([...log.matchAll(pattern)].map((match) => match[1] ?? ""))]
    .sort();
}
