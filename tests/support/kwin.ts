/**
 * KWin as a host for applications, in a window on a virtual X server, which brings the keyboard, the pointer and the
 * screenshots. (In a window on sway it grows without end.)
 *
 * Without a graphics device KWin paints with QPainter. There is no desktop in it, so its background is black.
 */
import { type HostCompositor, SCREEN } from "./host.ts";
import { crop, type Image, paintedArea, type Rectangle } from "./image.ts";
import { PATH, requirePrograms } from "./packages.ts";
import { TestProcess } from "./process.ts";
import { makeScratch } from "./scratch.ts";
import { eventually, whenReady } from "./wait.ts";
import { startXvfb, type XDisplay } from "./xvfb.ts";

const BLACK = [0, 0, 0] as const;

/** A running KWin, and the X server that shows it. */
export class KWin implements HostCompositor {
  readonly name = "kwin";
  readonly waylandDisplay: string;
  readonly process: TestProcess;
  readonly #screen: XDisplay;
  readonly #resources: AsyncDisposableStack;

  constructor(
    socket: string,
    process: TestProcess,
    screen: XDisplay,
    resources: AsyncDisposableStack,
  ) {
    this.waylandDisplay = socket;
    this.process = process;
    this.#screen = screen;
    this.#resources = resources;
  }

  screenshot(): Promise<Image> {
    return this.#screen.screenshot();
  }

  async windowArea(): Promise<Rectangle | undefined> {
    const image = await this.screenshot();
    // The parked pointer is in the last corner.
    return paintedArea(
      crop(image, {
        x: 0,
        y: 0,
        width: SCREEN.width - 8,
        height: SCREEN.height - 8,
      }),
      BLACK,
    );
  }

  async type(text: string): Promise<void> {
    await this.#screen.type(text);
  }

  async press(keys: string): Promise<void> {
    await this.#screen.press(keys);
  }

  async click(x: number, y: number): Promise<void> {
    await this.#screen.click(x, y);
  }

  async move(x: number, y: number): Promise<void> {
    await this.#screen.move(x, y);
  }

  async parkPointer(): Promise<void> {
    await this.#screen.parkPointer();
  }

  async resizeWindow(): Promise<void> {
    const before = JSON.stringify(await this.windowArea());
    // KWin takes its shortcuts only once the window is active, which nothing tells.
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

  async closeWindow(): Promise<void> {
    await this.press("alt+F4");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
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
  const size = [`--width=${SCREEN.width}`, `--height=${SCREEN.height}`];
  const process = resources.use(
    new TestProcess([
      ..."dbus-run-session -- kwin_wayland --no-lockscreen --socket=kwin-0"
        .split(" "),
      `--x11-display=${screen.name}`,
      ...size,
    ], {
      logPath: `${runtime}/kwin.log`,
      environment: {
        PATH,
        HOME: runtime,
        XDG_CONFIG_HOME: runtime,
        XDG_RUNTIME_DIR: runtime,
        DISPLAY: screen.name,
        KWIN_COMPOSE: "Q",
        LANG: "C.UTF-8",
      },
    }),
  );
  const host = new KWin(`${runtime}/kwin-0`, process, screen, resources.move());
  return await whenReady(
    host,
    () =>
      eventually("KWin fills the screen", 20_000, async () => {
        process.requireRunning();
        const isUp = await Deno.stat(host.waylandDisplay).then(
          () => true,
          () => false,
        );
        if (!isUp) return undefined;
        await host.move(0, 0);
        await host.parkPointer();
        return await host.windowArea() === undefined ? true : undefined;
      }),
  );
}
