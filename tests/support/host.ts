/**
 * What the application tests need of a compositor that the proxy, or an
 * application, connects to.
 */
import type { Image, Rectangle } from "./image.ts";
import { PATH } from "./packages.ts";
import { TestProcess } from "./process.ts";

/**
 * The colour of an empty screen, which no tested application uses: red, green,
 * blue.
 */
export const BACKGROUND = [0x20, 0x40, 0x60] as const;

/** The same as six hexadecimal digits. */
export const BACKGROUND_HEX = BACKGROUND.map((channel) =>
  channel.toString(16).padStart(2, "0")
).join("");

/** The size of the (first) output. */
export const SCREEN = { width: 1024, height: 768 } as const;

/** Where a parked pointer may be seen, on hosts whose screenshots show it. */
export const PARKED_POINTER: Rectangle = {
  x: SCREEN.width - 8,
  y: SCREEN.height - 8,
  width: 8,
  height: 8,
};

/** A keyboard and a pointer. */
export interface Input {
  /** Types characters on the keyboard. */
  type(text: string): Promise<void>;
  /** Presses a key with modifiers: "F10", "alt+f", "ctrl+shift+q". */
  press(keys: string): Promise<void>;
  /** Clicks a place of the screen. */
  click(x: number, y: number): Promise<void>;
  /** Moves the pointer to a place of the screen. */
  move(x: number, y: number): Promise<void>;
}

/** What a compositor consists of once it runs. */
export interface CompositorParts {
  /** The absolute path of its Wayland socket. */
  readonly socket: string;
  readonly process: TestProcess;
  /** Ended with the compositor. */
  readonly resources: AsyncDisposableStack;
}

/**
 * A compositor under the test's control, showing at most one application at a
 * time.
 */
export abstract class HostCompositor implements Input, AsyncDisposable {
  abstract readonly name: "sway" | "weston" | "kwin";
  /** The absolute path of its Wayland socket. */
  readonly waylandDisplay: string;
  readonly process: TestProcess;
  readonly #input: Input;
  readonly #resources: AsyncDisposableStack;

  constructor({ socket, process, resources }: CompositorParts, input: Input) {
    this.waylandDisplay = socket;
    this.process = process;
    this.#input = input;
    this.#resources = resources;
  }

  abstract screenshot(): Promise<Image>;
  /** Where the application's window is, or `undefined` while there is none. */
  abstract windowArea(): Promise<Rectangle | undefined>;
  /** Gives the window another size, as the user would. */
  abstract resizeWindow(): Promise<void>;
  /**
   * Asks the window to close; on weston, which has no way to ask, ends the
   * compositor.
   */
  abstract closeWindow(): Promise<void>;

  async type(text: string): Promise<void> {
    await this.#input.type(text);
  }

  async press(keys: string): Promise<void> {
    await this.#input.press(keys);
  }

  async click(x: number, y: number): Promise<void> {
    await this.#input.click(x, y);
  }

  async move(x: number, y: number): Promise<void> {
    await this.#input.move(x, y);
  }

  /** Moves the pointer to the corner of the screen where no window is. */
  async parkPointer(): Promise<void> {
    await this.move(SCREEN.width - 1, SCREEN.height - 1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/**
 * Starts a compositor whose files are in `runtime`; `environment` is what it
 * needs besides.
 */
export function startCompositorProcess(
  argv: readonly string[],
  runtime: string,
  logPath: string,
  environment: Readonly<Record<string, string>>,
): TestProcess {
  return new TestProcess(argv, {
    logPath,
    environment: {
      PATH,
      HOME: runtime,
      XDG_RUNTIME_DIR: runtime,
      LANG: "C.UTF-8",
      ...environment,
    },
  });
}
