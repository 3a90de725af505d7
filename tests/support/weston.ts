/**
 * weston's X11 backend on a virtual X server, as a host for applications.
 *
 * Of weston's backends in Debian 12 this is the one with a seat. Each output is a window on the X server, so that
 * keys and clicks come from xdotool, screenshots from the server's memory, and an output goes away when its window is closed.
 */
import {
  BACKGROUND,
  type HostCompositor,
  PARKED_POINTER,
  SCREEN,
} from "./host.ts";
import { crop, type Image, paintedArea, type Rectangle } from "./image.ts";
import { PATH, requirePrograms } from "./packages.ts";
import { TestProcess } from "./process.ts";
import { makeScratch } from "./scratch.ts";
import { eventually, whenReady } from "./wait.ts";
import { deleteWindow } from "./x11_delete_window.ts";
import { startXvfb, type XDisplay } from "./xvfb.ts";

const CONFIGURATION = `[core]
idle-time=0
[shell]
panel-position=none
locking=false
animation=none
close-animation=none
startup-animation=none
focus-animation=none
background-type=tile
background-color=0xff${
  BACKGROUND.map((channel) => channel.toString(16).padStart(2, "0")).join("")
}
`;

/** How weston is started. */
export interface WestonOptions {
  /** Outputs side by side, each the size of the screen. One when left out. */
  readonly outputs?: number;
}

/** A running weston and its X server. */
export class Weston implements HostCompositor {
  readonly name = "weston";
  readonly waylandDisplay: string;
  readonly process: TestProcess;
  readonly #screen: XDisplay;
  readonly #outputWindows: readonly string[];
  readonly #resources: AsyncDisposableStack;

  constructor(
    socket: string,
    screen: XDisplay,
    outputWindows: readonly string[],
    process: TestProcess,
    resources: AsyncDisposableStack,
  ) {
    this.waylandDisplay = socket;
    this.#screen = screen;
    this.#outputWindows = outputWindows;
    this.process = process;
    this.#resources = resources;
  }

  screenshot(): Promise<Image> {
    return this.#screen.screenshot();
  }

  async windowArea(): Promise<Rectangle | undefined> {
    const image = await this.screenshot();
    const visible = {
      x: 0,
      y: 0,
      width: PARKED_POINTER.x,
      height: PARKED_POINTER.y,
    };
    return paintedArea(crop(image, visible), BACKGROUND);
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
    await this.move(SCREEN.width - 1, SCREEN.height - 1);
  }

  async resizeWindow(): Promise<void> {
    await this.press("super+shift+m"); // maximize
  }

  async closeWindow(): Promise<void> {
    this.process.signal("SIGTERM");
    await this.process.end(10_000);
  }

  /** Closes the X window that is an output, as its user would. */
  async closeOutput(index: number): Promise<void> {
    const window = this.#outputWindows[index];
    if (window === undefined) {
      throw new Error(`Cannot close output ${index}: there is none`);
    }
    await deleteWindow(Number(this.#screen.name.slice(1)), Number(window));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/** Starts an X server and weston on it. */
export async function startWeston(
  options: WestonOptions = {},
): Promise<Weston> {
  await requirePrograms([{ program: "weston", package: "weston" }]);
  const outputs = options.outputs ?? 1;
  await using resources = new AsyncDisposableStack();
  const runtime = resources.use(makeScratch("weston")).path;
  const screen = await startXvfb(runtime, {
    width: outputs * SCREEN.width,
    height: SCREEN.height,
  }, resources);
  Deno.writeTextFileSync(`${runtime}/weston.ini`, CONFIGURATION);
  const process = resources.use(
    new TestProcess([
      ..."weston --backend=x11-backend.so --use-pixman --socket=wayland-1"
        .split(" "),
      `--width=${SCREEN.width}`,
      `--height=${SCREEN.height}`,
      `--output-count=${outputs}`,
      `--config=${runtime}/weston.ini`,
    ], {
      logPath: `${runtime}/weston.log`,
      environment: {
        PATH,
        HOME: runtime,
        XDG_RUNTIME_DIR: runtime,
        DISPLAY: screen.name,
        LANG: "C.UTF-8",
      },
    }),
  );
  const windows = await eventually(
    "weston opens its output windows",
    15_000,
    () => {
      process.requireRunning();
      const found = [
        ...process.log().matchAll(/x11 output .* window id (\d+)/g),
      ].map((match) => match[1] ?? "");
      return found.length === outputs ? found : undefined;
    },
  );
  for (const [index, window] of windows.entries()) {
    await screen.xdotool(
      "windowmove",
      "--sync",
      window,
      `${index * SCREEN.width}`,
      "0",
    );
  }
  await screen.xdotool("windowfocus", windows[0] ?? "");
  const weston = new Weston(
    `${runtime}/wayland-1`,
    screen,
    windows,
    process,
    resources.move(),
  );
  return await whenReady(
    weston,
    () =>
      eventually("weston paints its background", 15_000, async () => {
        process.requireRunning();
        // It misses motion before its shell is there, and the X server reports none without a change of place.
        await weston.move(0, 0);
        await weston.parkPointer();
        return await weston.windowArea() === undefined ? true : undefined;
      }),
  );
}
