/**
 * What the application tests know of a program: how it is started, used and
 * judged.
 */
import type { HostCompositor } from "../support/host.ts";
import { PATH, type ProgramSource } from "../support/packages.ts";
import { TestProcess } from "../support/process.ts";

/** How a program's windows are judged against those of a direct run. */
export type Judgement =
  /**
   * Every pixel of the screen is the same, but for a few where a reason is
   * given.
   */
  | {
    readonly pixels: "equal";
    readonly butFor?: { readonly pixels: number; readonly reason: string };
  }
  /**
   * The program draws something else each time; its window looks much alike,
   * and has the same size unless that varies too.
   */
  | {
    readonly pixels: "alike";
    readonly reason: string;
    readonly sizeVaries?: true;
  };

/** A place, in pixels. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A program that the tests start, use, resize and close. */
export interface Program {
  /** The name in the tests' titles. */
  readonly name: string;
  /** Its programs and their Debian packages. */
  readonly needs: readonly ProgramSource[];
  readonly argv: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Files that its home folder, where it is started, has for it. */
  readonly files?: Readonly<Record<string, string>>;
  /**
   * Whether it refuses to run as root, and so, as a user of its own, needs to
   * be let in to home and sockets.
   */
  readonly runsAsNobody?: true;
  readonly judgement: Judgement;
  /**
   * The only host that it works on, where one is too old or too poor for it,
   * also when run directly.
   */
  readonly onlyOn?: {
    readonly host: HostCompositor["name"];
    readonly reason: string;
  };
  /**
   * How long its picture must not change to count as settled, in
   * milliseconds; 500 when left out.
   */
  readonly settledMs?: number;
  /** A line to type, where the program shows what is typed. */
  readonly typed?: string;
  /** Keys that move the focus to where the line is to be typed. */
  readonly beforeTyping?: readonly string[];
  /**
   * Where to click, from the corner of the window as each host shows it, to
   * open a menu, which Escape closes. A key will not do: weston opens no menu
   * for one.
   */
  readonly menu?: Readonly<Partial<Record<HostCompositor["name"], Point>>>;
  /**
   * Whether it goes on without its window, as a compositor without outputs,
   * until it is told to end.
   */
  readonly outlivesItsWindow?: true;
  /** The key that answers its question when its window is closed by sway. */
  readonly asksOnClose?: string;
  /**
   * Whether some version of weston, when it maximizes it, ends it with a
   * protocol error or leaves it as it is, also when run directly.
   */
  readonly endsWhenMaximized?: true;
  /**
   * The status with which it ends when the host closes its window; 0 when left
   * out.
   */
  readonly closedStatus?: number;
  /**
   * Keys to press before its window is closed, so that it closes without
   * asking.
   */
  readonly beforeClose?: readonly string[];
}

/**
 * The environment of every program: nothing inherited, its settings in `home`,
 * no session bus, no blinking cursors.
 */
export function programEnvironment(
  home: string,
  waylandDisplay: string,
): Record<string, string> {
  return {
    PATH,
    HOME: home,
    XDG_RUNTIME_DIR: home,
    XDG_CONFIG_HOME: `${home}/config`,
    XDG_CACHE_HOME: `${home}/cache`,
    XDG_DATA_HOME: `${home}/data`,
    WAYLAND_DISPLAY: waylandDisplay,
    LANG: "C.UTF-8",
    TZ: "UTC",
    SHELL: "/bin/sh",
    DBUS_SESSION_BUS_ADDRESS: `unix:path=${home}/no-session-bus`,
    NO_AT_BRIDGE: "1",
    GTK_A11Y: "none",
    GSETTINGS_BACKEND: "keyfile",
    GDK_BACKEND: "wayland",
    QT_QPA_PLATFORM: "wayland",
    QT_QPA_PLATFORMTHEME: "kde",
    KDE_SESSION_VERSION: "5",
    MOZ_ENABLE_WAYLAND: "1",
    LIBGL_ALWAYS_SOFTWARE: "1",
  };
}

/** Starts a program in `home`, with what it says in a file of it. */
export function startProgram(
  argv: readonly string[],
  home: string,
  waylandDisplay: string,
  environment: Readonly<Record<string, string>> = {},
  log = "output",
): TestProcess {
  return new TestProcess(argv, {
    logPath: `${home}/${log}.log`,
    environment: {
      ...programEnvironment(home, waylandDisplay),
      ...environment,
    },
    workingDirectory: home,
  });
}

/**
 * Empties a home folder but for the program's files and the settings that keep
 * programs from looking different each time.
 */
export function prepareHome(home: string, program: Program): void {
  for (const entry of Deno.readDirSync(home)) {
    Deno.removeSync(`${home}/${entry.name}`, { recursive: true });
  }
  for (
    const [path, text] of Object.entries({ ...SETTINGS, ...program.files })
  ) {
    Deno.mkdirSync(`${home}/${path}`.replace(/\/[^/]*$/, ""), {
      recursive: true,
    });
    Deno.writeTextFileSync(`${home}/${path}`, text);
  }
}

const SETTINGS: Readonly<Record<string, string>> = {
  "config/glib-2.0/settings/keyfile":
    "[org/gnome/desktop/interface]\ncursor-blink=false\nenable-animations=false\nfont-name='DejaVu Sans 10'\n",
  "config/kdeglobals": "[KDE]\nCursorBlinkRate=0\n",
  "config/gtk-3.0/settings.ini":
    "[Settings]\ngtk-cursor-blink=0\ngtk-enable-animations=0\n",
  "config/gtk-4.0/settings.ini":
    "[Settings]\ngtk-cursor-blink=0\ngtk-enable-animations=0\n",
};
