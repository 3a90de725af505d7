/**
 * KWin as a host for applications, in a window on a virtual X server, which
 * brings the keyboard, the pointer and the screenshots. (In a window on sway it
 * grows without end.)
 *
 * Without a graphics device KWin paints with QPainter. There is no desktop in
 * it, so its background is black.
 */
import { SCREEN, startCompositorProcess } from "./host.ts";
import { requirePrograms } from "./packages.ts";
import { makeScratch } from "./scratch.ts";
import { eventually, whenReady } from "./wait.ts";
import { startXvfb, XvfbCompositor } from "./xvfb.ts";

/** A running KWin, and the X server that shows it. */
export class KWin extends XvfbCompositor {
  override readonly name = "kwin";
  protected override readonly background = [0, 0, 0] as const;

  override async resizeWindow(): Promise<void> {
    const before = JSON.stringify(await this.windowArea());
    // KWin takes its shortcuts only once the window is active, which nothing
    // tells.
    for (let attempt = 0; attempt < 3; attempt++) {
      await this.press("super+Prior"); // maximize
      const change = eventually("the window is maximized", 2000, async () => {
        return JSON.stringify(await this.windowArea()) === before
          ? undefined
          : true;
      });
      if (await change.catch(() => false)) return;
    }
  }

  override async closeWindow(): Promise<void> {
    await this.press("alt+F4");
  }
}

/** Starts an X server and KWin on it. */
export async function startKWin(): Promise<KWin> {
  await requirePrograms([
    { program: "kwin_wayland", package: "kwin-wayland" },
    { program: "dbus-run-session", package: "dbus" },
  ]);
  await using resources = new AsyncDisposableStack();
  const runtime = resources.use(makeScratch("kwin")).path;
  const screen = await startXvfb(runtime, SCREEN, resources);
  Deno.writeTextFileSync(
    `${runtime}/kwinrc`,
    "[Windows]\nPlacement=Centered\n",
  );
  Deno.writeTextFileSync(
    `${runtime}/kdeglobals`,
    "[KDE]\nAnimationDurationFactor=0\n",
  );
  const process = resources.use(
    startCompositorProcess(
      [
        ..."dbus-run-session -- kwin_wayland --no-lockscreen --socket=kwin-0"
          .split(" "),
        `--x11-display=${screen.name}`,
        `--width=${SCREEN.width}`,
        `--height=${SCREEN.height}`,
      ],
      runtime,
      `${runtime}/kwin.log`,
      { XDG_CONFIG_HOME: runtime, DISPLAY: screen.name, KWIN_COMPOSE: "Q" },
    ),
  );
  const parts = {
    socket: `${runtime}/kwin-0`,
    process,
    resources: resources.move(),
  };
  return await whenReady(new KWin(parts, screen), (host) => host.startUp());
}
