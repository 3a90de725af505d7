/** What the application tests need of a compositor that the proxy, or an application, connects to. */
import type { Image, Rectangle } from "./image.ts";
import type { TestProcess } from "./process.ts";

/** The colour of an empty screen, which no tested application uses: red, green, blue. */
export const BACKGROUND = [0x20, 0x40, 0x60] as const;

/** The size of the (first) output. */
export const SCREEN = { width: 1024, height: 768 } as const;

/** Where a parked pointer may be seen, on hosts whose screenshots show it. */
export const PARKED_POINTER: Rectangle = {
  x: SCREEN.width - 8,
  y: SCREEN.height - 8,
  width: 8,
  height: 8,
};

/** A compositor under the test's control, showing at most one application at a time. */
export interface HostCompositor extends AsyncDisposable {
  readonly name: "sway" | "weston" | "kwin";
  /** The absolute path of its Wayland socket. */
  readonly waylandDisplay: string;
  readonly process: TestProcess;
  screenshot(): Promise<Image>;
  /** Where the application's window is, or `undefined` while there is none. */
  windowArea(): Promise<Rectangle | undefined>;
  /** Types characters on the keyboard. */
  type(text: string): Promise<void>;
  /** Presses a key with modifiers: "F10", "alt+f", "ctrl+shift+q". */
  press(keys: string): Promise<void>;
  /** Clicks a place of the screen. */
  click(x: number, y: number): Promise<void>;
  /** Moves the pointer to a place of the screen. */
  move(x: number, y: number): Promise<void>;
  /** Moves the pointer to the corner of the screen where no window is. */
  parkPointer(): Promise<void>;
  /** Gives the window another size, as the user would. */
  resizeWindow(): Promise<void>;
  /** Asks the window to close; on weston, which has no way to ask, ends the compositor. */
  closeWindow(): Promise<void>;
}
