/**
 * Runs an application through the proxy: on the running compositor, or on a
 * headless one, of which it saves a screenshot.
 *
 * The arguments are those of `wayferry proxy`.
 */

import { hostPath } from "../src/sockets/host_address.ts";
import { StartupError } from "../src/sockets/startup_error.ts";
import type { HostCompositor } from "../tests/support/host.ts";
import { encodePng } from "../tests/support/image.ts";
import { makeScratch } from "../tests/support/scratch.ts";
import { startSway } from "../tests/support/sway.ts";
import { waitAtMost } from "../tests/support/wait.ts";
import { startWeston } from "../tests/support/weston.ts";
import { windowScreenshot } from "./window_screenshot.ts";

const project = new URL("../", import.meta.url).pathname;
/** How long it may take to close its window when it is asked to. */
const closingMilliseconds = 5_000;
/** A screen that does not change for this long is complete. */
const STILL_MS = 500;

function say(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));
}

/** Starts the proxy with the application. */
function startProxy(
  args: readonly string[],
  environment: Record<string, string>,
): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", `${project}main.ts`, "proxy", ...args],
    env: environment,
  }).spawn();
}

async function hasCompositor(): Promise<boolean> {
  if ((Deno.env.get("WAYLAND_SOCKET") ?? "") !== "") return true;
  try {
    (await Deno.connect({ transport: "unix", path: hostPath(Deno.env) }))
      .close();
    return true;
  } catch (error) {
    if (
      error instanceof StartupError || error instanceof Deno.errors.NotFound
    ) return false;
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    throw error;
  }
}

async function startCompositor(): Promise<HostCompositor> {
  try {
    return await startSway();
  } catch (error) {
    say(
      `sway does not start (${
        error instanceof Error ? error.message : error
      }); starting weston instead`,
    );
    return await startWeston();
  }
}

async function runHeadless(args: readonly string[]): Promise<number> {
  say("No compositor is running: starting a headless one");
  await using host = await startCompositor();
  using runtime = makeScratch("start");
  const proxy = startProxy(args, {
    WAYLAND_DISPLAY: host.waylandDisplay,
    XDG_RUNTIME_DIR: runtime.path,
  });
  let ended = false;
  const status = proxy.status.then(({ code }) => {
    ended = true;
    return code;
  });
  const image = await windowScreenshot(host, STILL_MS, () => ended);
  if (!ended) await host.closeWindow();
  if (await waitAtMost(status, closingMilliseconds) === undefined) {
    proxy.kill("SIGTERM");
  }
  const code = await status;
  if (image === undefined) {
    say(`No window appeared (the proxy exited with status ${code}).`);
    return code === 0 ? 1 : code;
  }
  Deno.mkdirSync(`${project}dist`, { recursive: true });
  const name = (args[args.indexOf("--") + 1] ?? "application").replace(
    /^.*\//,
    "",
  );
  const path = `${project}dist/${name}.png`;
  Deno.writeFileSync(path, encodePng(image));
  say(`Screenshot, through the proxy, on a headless ${host.name}: ${path}`);
  return 0;
}

async function main(): Promise<number> {
  if (!await hasCompositor()) return await runHeadless(Deno.args);
  // Ctrl-C reaches the proxy as well, which ends by itself.
  Deno.addSignalListener("SIGINT", () => {});
  return (await startProxy(Deno.args, {}).status).code;
}

main().then((code) => Deno.exit(code));
