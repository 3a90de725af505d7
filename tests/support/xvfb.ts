/**
 * A virtual X server whose screen is a file, with a keyboard and a pointer
 * moved by xdotool.
 */
import {
  type CompositorParts,
  HostCompositor,
  type Input,
  PARKED_POINTER,
} from "./host.ts";
import {
  crop,
  type Image,
  paintedArea,
  parseXwd,
  type Rectangle,
} from "./image.ts";
import { PATH, requirePrograms } from "./packages.ts";
import { runCommand, TestProcess } from "./process.ts";
import { isListening } from "./listening.ts";
import { eventually } from "./wait.ts";

export class XDisplay implements Input {
  /** The display's name, ":1". */
  readonly name: string;
  readonly #frameBuffer: string;

  constructor(name: string, frameBuffer: string) {
    this.name = name;
    this.#frameBuffer = frameBuffer;
  }

  async screenshot(): Promise<Image> {
    return parseXwd(await Deno.readFile(this.#frameBuffer));
  }

  async type(text: string): Promise<void> {
    await this.xdotool("type", "--delay", "8", text);
  }

  async press(keys: string): Promise<void> {
    await this.xdotool("key", keys);
  }

  async click(x: number, y: number): Promise<void> {
    await this.xdotool("mousemove", `${x}`, `${y}`, "click", "1");
  }

  async move(x: number, y: number): Promise<void> {
    await this.xdotool("mousemove", `${x}`, `${y}`);
  }

  async xdotool(...words: readonly string[]): Promise<string> {
    return (await runCommand(["xdotool", ...words], { DISPLAY: this.name }))
      .text;
  }
}

/**
 * A compositor whose output is a window on an X server, which brings its
 * keyboard, its pointer and its screenshots.
 */
export abstract class XvfbCompositor extends HostCompositor {
  protected readonly screen: XDisplay;
  /** The colour of its empty screen: red, green, blue. */
  protected abstract readonly background: readonly [number, number, number];

  constructor(parts: CompositorParts, screen: XDisplay) {
    super(parts, screen);
    this.screen = screen;
  }

  override screenshot(): Promise<Image> {
    return this.screen.screenshot();
  }

  override async windowArea(): Promise<Rectangle | undefined> {
    const { x: width, y: height } = PARKED_POINTER;
    const visible = { x: 0, y: 0, width, height };
    return paintedArea(crop(await this.screenshot(), visible), this.background);
  }

  /**
   * Moves the pointer until the screen is empty: what is not ready yet misses
   * motion, and the X server reports none without a change of place.
   */
  async startUp(): Promise<void> {
    await eventually(`${this.name} fills the screen`, 20_000, async () => {
      this.process.requireRunning();
      if (!isListening(this.waylandDisplay)) return undefined;
      await this.move(0, 0);
      await this.parkPointer();
      return await this.windowArea() === undefined ? true : undefined;
    });
  }
}

/**
 * Starts an X server whose screen has the given size and whose files are in
 * `folder`.
 */
export async function startXvfb(
  folder: string,
  screen: { readonly width: number; readonly height: number },
  resources: AsyncDisposableStack,
): Promise<XDisplay> {
  await requirePrograms([{ program: "Xvfb", package: "xvfb" }, {
    program: "xdotool",
    package: "xdotool",
  }]);
  const size = `${screen.width}x${screen.height}x24`;
  const server = resources.use(
    new TestProcess(
      [
        ..."Xvfb -displayfd 1 -nolisten tcp -noreset -screen 0".split(" "),
        size,
        "-fbdir",
        folder,
      ],
      { logPath: `${folder}/xvfb.log`, environment: { PATH, HOME: folder } },
    ),
  );
  const number = await eventually("Xvfb names its display", 15_000, () => {
    server.requireRunning();
    return /^(\d+)$/m.exec(server.log())?.[1];
  });
  return new XDisplay(`:${number}`, `${folder}/Xvfb_screen0`);
}
