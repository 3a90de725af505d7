/**
 * Every option of the proxy, once: parsing, help, manual pages and completions
 * are made from this table, under both names.
 *
 * The first eleven are wayland-proxy-virtwl's, with its names, defaults and
 * meaning.
 */

import type { SuppressClass } from "../log/suppress.ts";
import type { GrammarOption } from "./cmdliner.ts";

/** The headings under which help and manual list the options, in this order. */
export const optionGroups = {
  display: "Display",
  windows: "Windows and globals",
  x11: "X11 applications (not implemented yet)",
  log: "Logging",
} as const;

/** One option as the table has it. */
export interface OptionDefinition {
  /**
   * "-v, --verbose" or "--tag <TEXT>". The single place where names and
   * placeholder stand.
   */
  readonly flags: string;
  readonly group: keyof typeof optionGroups;
  readonly repeatable: boolean;
  /** One line, without a final stop. */
  readonly summary: string;
  /** What the manual adds to the summary, in whole sentences; may be empty. */
  readonly detail: string;
  /**
   * What the value may be, for completions: a list separated by commas, a file,
   * a command, a global's name.
   */
  readonly completes?: "classes" | "file" | "command" | "global";
}

/** The classes of `--log-suppress`, with what each covers. */
const suppressClasses = {
  motion: "pointer motion and frame",
  shm: "all messages of wl_shm, of pools and of buffers",
  delete: "delete_id of the display",
  region:
    "creating regions, all messages of wl_region, and setting regions on surfaces",
  drawing: "attach, both kinds of damage, and frame callbacks",
  hints: "minimum and maximum sizes, window geometry, buffer scale",
} as const satisfies Readonly<Record<SuppressClass, string>>;

/** The options, by the names that commander gives them. */
export const optionTable = {
  virtioGpu: {
    flags: "--virtio-gpu",
    group: "display",
    repeatable: false,
    summary:
      "Show the windows on the host of this virtual machine, over virtio-gpu",
    detail:
      "Needs a virtio-gpu device with a cross-domain context. Without one the proxy logs what is missing, and turns " +
      "clients away until there is one.",
  },
  waylandDisplay: {
    flags: "--wayland-display <NAME>",
    group: "display",
    repeatable: false,
    summary: "Name or path of the socket to listen on",
    detail:
      "A name is a socket in $XDG_RUNTIME_DIR; a value that begins with /, ./ or ../ is a path. The option cannot be " +
      "combined with socket activation.",
    completes: "file",
  },
  xDisplay: {
    flags: "--x-display <INT>",
    group: "x11",
    repeatable: false,
    summary: "Number of the X display to listen on (2 for DISPLAY=:2)",
    detail:
      "X11 is not supported in this version: with this option the program exits with status 123.",
  },
  xwaylandBinary: {
    flags: "--xwayland-binary <FILE>",
    group: "x11",
    repeatable: false,
    summary:
      "The Xwayland program to start for X11 applications (default: Xwayland)",
    detail: "",
    completes: "command",
  },
  xrdb: {
    flags: "--xrdb <KEY:VALUE>",
    group: "x11",
    repeatable: true,
    summary: "A line for the X resource database, for instance Xft.dpi:150",
    detail: "",
  },
  xUnscale: {
    flags: "--x-unscale <INT>",
    group: "x11",
    repeatable: false,
    summary:
      "Undo the compositor's scaling of X11 windows by this factor (default: 1)",
    detail: "",
  },
  tag: {
    flags: "--tag <TEXT>",
    group: "windows",
    repeatable: false,
    summary: "Put this text in front of every window's title",
    detail: 'Spaces count: --tag="[work] " keeps the last one.',
  },
  allow: {
    flags: "--allow <GLOBAL>",
    group: "windows",
    repeatable: true,
    summary: "Let applications use this global, which is hidden by default",
    detail:
      "A global is named by its interface, for instance zwlr_layer_shell_v1.",
    completes: "global",
  },
  deny: {
    flags: "--deny <GLOBAL>",
    group: "windows",
    repeatable: true,
    summary: "Hide this global from applications",
    detail:
      "A global is named by its interface, for instance wl_data_device_manager. For no clipboard at all deny zwp_primary_selection_device_manager_v1 as well.",
    completes: "global",
  },
  verbose: {
    flags: "-v, --verbose",
    group: "log",
    repeatable: false,
    summary: "Log everything that happens, every message included",
    detail: "",
  },
  logSuppress: {
    flags: "--log-suppress <CLASSES>",
    group: "log",
    repeatable: false,
    summary: `Leave these messages out of the log: ${
      Object.keys(suppressClasses).join(",")
    }`,
    detail: Object.entries(suppressClasses)
      .map(([name, covers]) => `${name}: ${covers}`)
      .join("; ") + ".",
    completes: "classes",
  },
  logRingPath: {
    flags: "--log-ring-path <FILE>",
    group: "log",
    repeatable: false,
    summary:
      "Keep the log in memory, and append it to this file on request or on an error",
    detail:
      "To request it, write a line to the pipe NAME-ctl in the runtime directory, where NAME is the name of the display. " +
      "Warnings and errors also go to the standard error output.",
    completes: "file",
  },
  logRingSize: {
    flags: "--log-ring-size <BYTES>",
    group: "log",
    repeatable: false,
    summary: "How much log to keep in memory (default: 524288)",
    detail: "",
  },
} as const satisfies Readonly<Record<string, OptionDefinition>>;

/** All definitions, in the order of the table. */
export const optionDefinitions: readonly OptionDefinition[] = Object.values(
  optionTable,
);

/**
 * The parts of `flags`: "-v" or undefined, "--verbose", "TEXT" or undefined.
 */
export function flagParts(
  flags: string,
): {
  short: string | undefined;
  long: string;
  placeholder: string | undefined;
} {
  const match = /^(?:(-\w), )?(--[\w-]+)(?: <(.+)>)?$/.exec(flags);
  if (match === null || match[2] === undefined) {
    throw new Error(`Cannot read the flags "${flags}"`);
  }
  return { short: match[1], long: match[2], placeholder: match[3] };
}

/** Whether the option has a value. */
export function takesValue({ flags }: OptionDefinition): boolean {
  return flagParts(flags).placeholder !== undefined;
}

/** The long names of the options for which `which` holds. */
export function longNames(
  which: (definition: OptionDefinition) => boolean,
): string[] {
  return optionDefinitions.filter(which).map(({ flags }) =>
    flagParts(flags).long
  );
}

/** What the grammar has to know, `--help[=FORMAT]` included. */
export function grammarOptions(): GrammarOption[] {
  const options = optionDefinitions.map(
    ({ flags, repeatable }): GrammarOption => {
      const { short, long, placeholder } = flagParts(flags);
      const value = placeholder === undefined ? "none" : "required";
      return {
        long,
        value,
        repeatable,
        ...(short === undefined ? {} : { short }),
      };
    },
  );
  return [...options, { long: "--help", value: "optional", repeatable: true }];
}
