/**
 * weston's X11 backend on a virtual X server, as a host for applications.
 *
 * Of weston's backends in Debian 12 this is the one with a seat. Each output is
 * a window on the X server, so that keys and clicks come from xdotool,
 * screenshots from the server's memory, and an output goes away when its window
 * is closed.
 */
import {
  BACKGROUND,
  BACKGROUND_HEX,
  type CompositorParts,
  SCREEN,
  startCompositorProcess,
} from "./host.ts";
import { requirePrograms } from "./packages.ts";
import { makeScratch } from "./scratch.ts";
import { eventually, whenReady } from "./wait.ts";
import { deleteWindow } from "./x11_delete_window.ts";
import { startXvfb, type XDisplay, XvfbCompositor } from "./xvfb.ts";

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
background-color=0xff${BACKGROUND_HEX}
`;

export interface WestonOptions {
  /** Outputs side by side, each the size of the screen. One when left out. */
  readonly outputs?: number;
}

/** A running weston and its X server. */
export class Weston extends XvfbCompositor {
  override readonly name = "weston";
  protected override readonly background = BACKGROUND;
  readonly #outputWindows: readonly string[];

  constructor(
    parts: CompositorParts,
    screen: XDisplay,
    outputWindows: readonly string[],
  ) {
    super(parts, screen);
    this.#outputWindows = outputWindows;
  }

  override async resizeWindow(): Promise<void> {
    await this.press("super+shift+m"); // maximize
  }

  override async closeWindow(): Promise<void> {
    this.process.signal("SIGTERM");
    await this.process.end(10_000);
  }

  /** Closes the X window that is an output, as its user would. */
  async closeOutput(index: number): Promise<void> {
    const window = this.#outputWindows[index];
    if (window === undefined) {
      throw new Error(`Cannot close output ${index}: there is none`);
    }
    await deleteWindow(Number(this.screen.name.slice(1)), Number(window));
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
    startCompositorProcess(
      [
        ..."weston --backend=x11-backend.so --use-pixman --socket=wayland-1"
          .split(" "),
        `--width=${SCREEN.width}`,
        `--height=${SCREEN.height}`,
        `--output-count=${outputs}`,
        `--config=${runtime}/weston.ini`,
      ],
      runtime,
      `${runtime}/weston.log`,
      { DISPLAY: screen.name },
    ),
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
  const parts = {
    socket: `${runtime}/wayland-1`,
    process,
    resources: resources.move(),
  };
  return await whenReady(
    new Weston(parts, screen, windows),
    (weston) => weston.startUp(),
  );
}
