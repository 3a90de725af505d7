/** The proxy started as its users do: with the application as its command. */
import assert from "node:assert/strict";
import { PATH, requirePrograms } from "../support/packages.ts";
import { TestProcess } from "../support/process.ts";
import { requireExecutable } from "../support/proxy.ts";
import { makeScratch } from "../support/scratch.ts";
import { startSway } from "../support/sway.ts";
import { eventually } from "../support/wait.ts";

Deno.test("an application started by the proxy is shown, and the proxy ends when it is closed", async () => {
  await requirePrograms([{ program: "foot", package: "foot" }]);
  const executable = await requireExecutable();
  await using host = await startSway();
  using home = makeScratch("home");
  await using proxy = new TestProcess([
    executable,
    "--tag=[guest] ",
    "--",
    "foot",
    "--config=/dev/null",
    "cat",
  ], {
    logPath: `${home.path}/proxy.log`,
    environment: {
      PATH,
      HOME: home.path,
      XDG_RUNTIME_DIR: home.path,
      WAYLAND_DISPLAY: host.waylandDisplay,
    },
  });
  await eventually("a window with the tag in its title", 10_000, async () => {
    proxy.requireRunning();
    return (await host.windows()).find((window) =>
      window.appId === "foot" && window.title === "[guest] foot"
    );
  });
  await host.closeWindow();
  assert.equal(await proxy.end(10_000), 0);
  const left = [...Deno.readDirSync(home.path)].map((entry) => entry.name);
  assert.deepEqual(
    left.filter((name) => name.startsWith("wayland")),
    [],
    "sockets and lock files left behind",
  );
});
