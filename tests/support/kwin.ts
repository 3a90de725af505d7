/**
 * KWin as a host for applications, in a window on sway: sway brings the keyboard, the pointer and the screenshots.
 *
 * Without a graphics device KWin paints with QPainter. There is no desktop in it, so its background is black.
 */
import { type HostCompositor, SCREEN } from "./host.ts";
import { crop, type Image, paintedArea, type Rectangle } from "./image.ts";
import { PATH, requirePrograms } from "./packages.ts";
import { TestProcess } from "./process.ts";
import { makeScratch } from "./scratch.ts";
import { startSway, type Sway } from "./sway.ts";
import { eventually } from "./wait.ts";

const BLACK = [0, 0, 0] as const;

/** A running KWin, and the sway that shows it. */
export class KWin implements HostCompositor {
  readonly name = "kwin";
  readonly waylandDisplay: string;
  readonly process: TestProcess;
  readonly #screen: Sway;
  readonly #resources: AsyncDisposableStack;

  constructor(
    socket: string,
    process: TestProcess,
    screen: Sway,
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
    await this.press("super+PageUp"); // maximize
  }

  async closeWindow(): Promise<void> {
    await this.press("alt+F4");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/** Starts KWin on a sway of its own. */
export async function startKWin(): Promise<KWin> {
  await requirePrograms([
    { program: "kwin_wayland", package: "kwin-wayland" },
    { program: "dbus-run-session", package: "dbus" },
  ]);
  await using resources = new AsyncDisposableStack();
  const screen = resources.use(await startSway());
  const runtime = resources.use(makeScratch("kwin")).path;
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
    new TestProcess(
      [
        "dbus-run-session",
        "--",
        "kwin_wayland",
        ...size,
        "--no-lockscreen",
        "--socket=kwin-0",
      ],
      {
        logPath: `${runtime}/kwin.log`,
        environment: {
          PATH,
          HOME: runtime,
          XDG_CONFIG_HOME: runtime,
          XDG_RUNTIME_DIR: runtime,
          WAYLAND_DISPLAY: screen.waylandDisplay,
          KWIN_COMPOSE: "Q",
          LANG: "C.UTF-8",
          QT_QPA_PLATFORM: "wayland",
        },
      },
    ),
  );
  const host = new KWin(`${runtime}/kwin-0`, process, screen, resources.move());
  await eventually("KWin fills sway's screen", 20_000, async () => {
    process.requireRunning();
    const [window] = await screen.windows();
    if (window === undefined) return undefined;
    await screen.run(
      `[con_id=${window.id}] resize set ${SCREEN.width} ${SCREEN.height}, move position 0 0`,
    );
    await screen.move(0, 0);
    await screen.parkPointer();
    return await host.windowArea() === undefined ? true : undefined;
  });
  return host;
}
