/**
 * A keyboard and a pointer on a wlroots compositor:
 * `virtual-keyboard-unstable-v1` and `wlr-virtual-pointer-unstable-v1`.
 *
 * Debian 12 packages no tool that clicks, and wtype's keyboards, each with a
 * few keys of its own, leave GTK 3 deaf to keys such as Return and Escape. This
 * one is an ordinary American keyboard that stays as long as the compositor.
 */
import { createMemfd } from "../../ffi/memfd.ts";
import type { Input } from "./host.ts";
import { WaylandConnection } from "./wayland_connection.ts";

const KEYMAP = `xkb_keymap {
  xkb_keycodes { include "evdev+aliases(qwerty)" };
  xkb_types { include "complete" };
  xkb_compat { include "complete" };
  xkb_symbols { include "pc+us+inet(evdev)" };
};
`;

/** Codes of linux/input-event-codes.h for named keys. */
const NAMED_KEYS: Readonly<Record<string, number>> = {
  Escape: 1,
  BackSpace: 14,
  Tab: 15,
  Return: 28,
  F4: 62,
  F10: 68,
  Up: 103,
  PageUp: 104,
  Left: 105,
  Right: 106,
  Down: 108,
};

/**
 * Codes and modifier bits of the keys that are held while another is pressed.
 */
const MODIFIERS: Readonly<
  Record<string, { readonly code: number; readonly bit: number }>
> = {
  shift: { code: 42, bit: 1 },
  ctrl: { code: 29, bit: 4 },
  alt: { code: 56, bit: 8 },
  super: { code: 125, bit: 64 },
};

/**
 * The characters of the American layout: code of the row's first key,
 * characters without and with shift.
 */
const ROWS:
  readonly (readonly [code: number, plain: string, shifted: string])[] = [
    [2, "1234567890-=", "!@#$%^&*()_+"],
    [16, "qwertyuiop[]", "QWERTYUIOP{}"],
    [28, "\n", ""],
    [30, "asdfghjkl;'`", 'ASDFGHJKL:"~'],
    [43, "\\zxcvbnm,./", "|ZXCVBNM<>?"],
    [57, " ", ""],
  ];

const LEFT_BUTTON = 0x110;

/** A keyboard and a pointer, there as long as they are not disposed of. */
export class VirtualInput implements Input, Disposable {
  readonly #connection: WaylandConnection;
  readonly #screen: { readonly width: number; readonly height: number };
  readonly #keyboard: number;
  readonly #pointer: number;

  constructor(
    connection: WaylandConnection,
    screen: { readonly width: number; readonly height: number },
    keyboard: number,
    pointer: number,
  ) {
    this.#connection = connection;
    this.#screen = screen;
    this.#keyboard = keyboard;
    this.#pointer = pointer;
  }

  /**
   * Plugs both in at the compositor whose socket is at `path` and whose only
   * output has the size `screen`.
   */
  static async open(
    path: string,
    screen: { readonly width: number; readonly height: number },
  ): Promise<VirtualInput> {
    const connection = await WaylandConnection.open(path);
    const seat = await connection.bind("wl_seat");
    const keyboards = await connection.bind("zwp_virtual_keyboard_manager_v1");
    const pointers = await connection.bind("zwlr_virtual_pointer_manager_v1");
    const keyboard = connection.newId();
    await connection.request(keyboards, 0, [seat, keyboard]); // create_virtual_keyboard
    const bytes = new TextEncoder().encode(`${KEYMAP}\0`);
    using keymap = createMemfd("keymap", bytes.length);
    Deno.writeFileSync(`/proc/self/fd/${keymap.number}`, bytes);
    await connection.request(keyboard, 0, [1, bytes.length], keymap); // keymap(xkb_v1)
    const pointer = connection.newId();
    await connection.request(pointers, 0, [seat, pointer]); // create_virtual_pointer
    await connection.roundTrip();
    return new VirtualInput(connection, screen, keyboard, pointer);
  }

  /** Types characters of the American layout. */
  async type(text: string): Promise<void> {
    for (const character of text) {
      const { code, shifted } = findCharacter(character);
      await this.#stroke(shifted ? ["shift"] : [], code);
    }
  }

  /** Presses a key with modifiers: "F10", "alt+f", "ctrl+shift+q". */
  async press(keys: string): Promise<void> {
    const modifiers = keys.split("+");
    const key = modifiers.pop() ?? "";
    await this.#stroke(modifiers, NAMED_KEYS[key] ?? findCharacter(key).code);
  }

  /** Moves the pointer to a place on the screen. */
  async move(x: number, y: number): Promise<void> {
    // motion_absolute, frame
    await this.#connection.request(this.#pointer, 1, [
      time(),
      x,
      y,
      this.#screen.width,
      this.#screen.height,
    ]);
    await this.#connection.request(this.#pointer, 4, []);
    await this.#connection.roundTrip();
  }

  /** Moves the pointer to a place on the screen and clicks there. */
  async click(x: number, y: number): Promise<void> {
    await this.move(x, y);
    for (const pressed of [1, 0]) {
      // button, frame
      await this.#connection.request(this.#pointer, 2, [
        time(),
        LEFT_BUTTON,
        pressed,
      ]);
      await this.#connection.request(this.#pointer, 4, []);
    }
    await this.#connection.roundTrip();
  }

  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]();
  }

  async #stroke(modifiers: readonly string[], code: number): Promise<void> {
    const held = modifiers.map((name) => {
      const modifier = MODIFIERS[name];
      if (modifier === undefined) {
        throw new RangeError(`Cannot hold ${name}: it is no modifier`);
      }
      return modifier;
    });
    let bits = 0;
    for (const modifier of held) {
      bits |= modifier.bit;
      await this.#key(modifier.code, 1);
      await this.#setModifiers(bits);
    }
    await this.#key(code, 1);
    await this.#key(code, 0);
    for (const modifier of held.toReversed()) {
      bits &= ~modifier.bit;
      await this.#key(modifier.code, 0);
      await this.#setModifiers(bits);
    }
    await this.#connection.roundTrip();
  }

  #key(code: number, pressed: 0 | 1): Promise<void> {
    return this.#connection.request(this.#keyboard, 1, [time(), code, pressed]);
  }

  #setModifiers(bits: number): Promise<void> {
    return this.#connection.request(this.#keyboard, 2, [bits, 0, 0, 0]);
  }
}

function time(): number {
  return Math.floor(performance.now());
}

function findCharacter(character: string): { code: number; shifted: boolean } {
  for (const [first, plain, shifted] of ROWS) {
    const plainIndex = plain.indexOf(character);
    if (plainIndex >= 0) return { code: first + plainIndex, shifted: false };
    const shiftedIndex = shifted.indexOf(character);
    if (shiftedIndex >= 0) return { code: first + shiftedIndex, shifted: true };
  }
  throw new RangeError(
    `Cannot type ${JSON.stringify(character)}: the keyboard has no such key`,
  );
}
