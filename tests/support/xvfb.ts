/** A virtual X server whose screen is a file, with a keyboard and a pointer moved by xdotool. */
import { type Image, parseXwd } from "./image.ts";
import { PATH, requirePrograms } from "./packages.ts";
import { runCommand, TestProcess } from "./process.ts";
import { eventually } from "./wait.ts";

/** A running X server. */
export class XDisplay {
  /** The display's name, ":1". */
  readonly name: string;
  readonly #frameBuffer: string;
  readonly #screen: { readonly width: number; readonly height: number };

  constructor(
    name: string,
    frameBuffer: string,
    screen: { readonly width: number; readonly height: number },
  ) {
    this.name = name;
    this.#frameBuffer = frameBuffer;
    this.#screen = screen;
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

  /** Moves the pointer to the last corner of the screen. */
  async parkPointer(): Promise<void> {
    await this.move(this.#screen.width - 1, this.#screen.height - 1);
  }

  /** Runs xdotool. */
  async xdotool(...words: readonly string[]): Promise<string> {
    return (await runCommand(["xdotool", ...words], { DISPLAY: this.name }))
      .text;
  }
}

/** Starts an X server whose screen has the given size and whose files are in `folder`. */
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
  return new XDisplay(`:${number}`, `${folder}/Xvfb_screen0`, screen);
}
