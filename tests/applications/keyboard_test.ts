/**
 * Keyboards whose keymaps differ, as seen by an application behind the proxy.
 */
import assert from "node:assert/strict";
import { requirePrograms } from "../support/packages.ts";
import { runCommand } from "../support/process.ts";
import { startProxy } from "../support/proxy.ts";
import { makeScratch } from "../support/scratch.ts";
import { startSway } from "../support/sway.ts";
import { eventually } from "../support/wait.ts";
import { startProgram } from "./program.ts";

Deno.test("each keyboard's keys arrive under its own keymap, in turn", async () => {
  await requirePrograms([{ program: "foot", package: "foot" }, {
    program: "wtype",
    package: "wtype",
  }]);
  await using host = await startSway();
  await using proxy = await startProxy(host.waylandDisplay);
  using home = makeScratch("home");
  await using foot = startProgram(
    [
      "foot",
      "--config=/dev/null",
      "sh",
      "-c",
      // cat closes the terminal before it ends, and foot's answer to that would
      // kill it.
      "cat >typed; exit 0",
    ],
    home.path,
    proxy.waylandDisplay,
  );
  const typed = async (text: string): Promise<void> => {
    await eventually(`${JSON.stringify(text)} is typed`, 10_000, async () => {
      foot.requireRunning();
      return await Deno.readTextFile(`${home.path}/typed`).catch(() => "") ===
          text
        ? true
        : undefined;
    });
  };
  await eventually("foot has a window", 10_000, () => host.windowArea());
  await host.type("Plain [ascii]\n");
  await typed("Plain [ascii]\n");
  // wtype makes a keyboard for each text, with a keymap of just its characters.
  await runCommand(["wtype", "\u03bb \u20ac \u0416\n"], {
    WAYLAND_DISPLAY: host.waylandDisplay,
  });
  await typed("Plain [ascii]\n\u03bb \u20ac \u0416\n");
  await host.type("again\n");
  await typed("Plain [ascii]\n\u03bb \u20ac \u0416\nagain\n");
  await host.press("ctrl+d");
  assert.equal(await foot.end(10_000), 0, foot.log());
  await proxy.requireNoLeakedFds();
  await proxy.finish();
});
