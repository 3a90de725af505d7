/** Outputs and seats that come and go while an application runs. */
import assert from "node:assert/strict";
import { findProgram, requirePrograms } from "../support/packages.ts";
import type { TestProcess } from "../support/process.ts";
import { startProxy } from "../support/proxy.ts";
import { makeScratch } from "../support/scratch.ts";
import { startSway } from "../support/sway.ts";
import { eventually } from "../support/wait.ts";
import { startWeston } from "../support/weston.ts";
import { startProgram } from "./program.ts";

/** foot, with its messages on standard error as libwayland writes them. */
async function startFoot(
  home: string,
  waylandDisplay: string,
): Promise<TestProcess> {
  await requirePrograms([{ program: "foot", package: "foot" }]);
  return startProgram(
    ["foot", "--config=/dev/null", findProgram("cat") ?? "cat"],
    home,
    waylandDisplay,
    { WAYLAND_DEBUG: "1" },
  );
}

/**
 * Waits for a message in the application's log, and returns what the pattern's
 * group matched.
 */
async function message(
  application: TestProcess,
  pattern: RegExp,
): Promise<string> {
  return await eventually(
    `the application sees ${pattern.source}`,
    10_000,
    () => {
      application.requireRunning();
      return pattern.exec(application.log())?.[1];
    },
  );
}

function countMatches(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].length;
}

Deno.test("on weston, an output that is closed goes away for an application, which lives on", async () => {
  await using host = await startWeston({ outputs: 2 });
  await using proxy = await startProxy(host.waylandDisplay);
  using home = makeScratch("home");
  await using foot = await startFoot(home.path, proxy.waylandDisplay);
  await eventually("foot has a window", 10_000, () => host.windowArea());
  assert.equal(countMatches(foot.log(), /global\(\d+, "wl_output"/g), 2);
  const second = /wl_output.*\n[^]*global\((\d+), "wl_output"/.exec(foot.log())
    ?.[1];

  await host.closeOutput(1);
  assert.equal(await message(foot, /global_remove\((\d+)\)/), second);
  const before = await host.screenshot();
  await host.type("still here");
  await eventually("foot shows what is typed", 10_000, async () => {
    const after = await host.screenshot();
    return after.pixels.some((byte, index) => byte !== before.pixels[index])
      ? true
      : undefined;
  });
  foot.requireRunning();
  proxy.process.requireRunning();
});

Deno.test("on sway, an output that is plugged in appears to an application that runs, and to one that starts", async () => {
  await using host = await startSway();
  await using proxy = await startProxy(host.waylandDisplay);
  using home = makeScratch("home");
  await using foot = await startFoot(home.path, proxy.waylandDisplay);
  await eventually("foot has a window", 10_000, () => host.windowArea());
  assert.equal(countMatches(foot.log(), /global\(\d+, "wl_output"/g), 1);

  await host.run("create_output");
  await message(foot, /bind\(\d+, "(wl_output)"[^]*bind\(\d+, "wl_output"/);
  await message(foot, /\.name\("(HEADLESS-2)"\)/);

  using secondHome = makeScratch("home");
  await using second = await startFoot(secondHome.path, proxy.waylandDisplay);
  await message(second, /\.name\("(HEADLESS-1)"\)/);
  await message(second, /\.name\("(HEADLESS-2)"\)/);
});

Deno.test("on sway, a seat that is plugged in appears to an application", async () => {
  await using host = await startSway();
  await using proxy = await startProxy(host.waylandDisplay);
  using home = makeScratch("home");
  await using foot = await startFoot(home.path, proxy.waylandDisplay);
  await message(foot, /wl_seat[@#]\d+\.name\("(seat0)"\)/);

  await host.run("seat second fallback false");
  await message(foot, /wl_seat[@#]\d+\.name\("(second)"\)/);
});
