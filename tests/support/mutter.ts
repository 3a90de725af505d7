/**
 * mutter without a display, as a host whose pictures cannot be seen: its
 * screenshots are GNOME Shell's and PipeWire's affair. What is judged there is
 * what an application is told and does.
 */
import { SCREEN, startCompositorProcess } from "./host.ts";
import { requirePrograms } from "./packages.ts";
import type { TestProcess } from "./process.ts";
import { makeScratch } from "./scratch.ts";
import { eventually } from "./wait.ts";

export interface Mutter extends AsyncDisposable {
  /** The absolute path of its Wayland socket. */
  readonly waylandDisplay: string;
  readonly process: TestProcess;
}

/** Starts mutter with one virtual monitor. */
export async function startMutter(): Promise<Mutter> {
  await requirePrograms([
    { program: "mutter", package: "mutter" },
    { program: "dbus-run-session", package: "dbus" },
  ]);
  await using resources = new AsyncDisposableStack();
  const runtime = resources.use(makeScratch("mutter")).path;
  const monitor = `${SCREEN.width}x${SCREEN.height}`;
  const process = resources.use(
    startCompositorProcess(
      [
        ..."dbus-run-session -- mutter --headless --wayland --no-x11 --wayland-display=mutter-0"
          .split(" "),
        `--virtual-monitor=${monitor}`,
      ],
      runtime,
      `${runtime}/mutter.log`,
      { GSETTINGS_BACKEND: "memory", LIBGL_ALWAYS_SOFTWARE: "1" },
    ),
  );
  const socket = `${runtime}/mutter-0`;
  await eventually("mutter opens its socket", 20_000, async () => {
    process.requireRunning();
    return await Deno.stat(socket).then(() => true, () => undefined);
  });
  const owned = resources.move();
  return {
    waylandDisplay: socket,
    process,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
