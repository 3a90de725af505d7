/**
 * From the arguments to an invocation. This is the only file that knows
 * commander.
 *
 * The proxy's own options are normalised by cmdliner.ts first, so commander
 * sees each in one spelling and gives it its type.
 */

import { Command, CommanderError, Option } from "@commander-js/extra-typings";
import { UsageError } from "./cli_error.ts";
import {
  canonicalArguments,
  type NormalisedLine,
  normaliseLine,
} from "./cmdliner.ts";
import {
  type HelpFormat,
  type HelpTopic,
  type Invocation,
  shells,
} from "./invocation.ts";
import { alternatives, didYouMean } from "./near_matches.ts";
import { DEFAULT_RING_BYTES, MAX_RING_BYTES } from "../log/options.ts";
import type { SuppressClass } from "../log/suppress.ts";
import { grammarOptions, optionTable } from "./option_table.ts";
import { parseClasses, parseInteger } from "./option_values.ts";
import type { ProxyOptions } from "../programs/proxy/mod.ts";

const grammar = grammarOptions();

/** X displays listen on TCP port 6000 + number, which bounds the number. */
const largestXDisplay = 65535 - 6000;

/**
 * Parses the arguments of wayland-proxy-virtwl.
 *
 * @throws {UsageError}
 */
export function parseDropIn(args: readonly string[]): Invocation {
  return parseProxy(args, "wayland-proxy-virtwl");
}

/**
 * Parses the arguments of wayferry.
 *
 * @throws {UsageError}
 */
export function parseWayferry(args: readonly string[]): Invocation {
  const [command, ...rest] = args;
  if (command === "proxy") return parseProxy(rest, "wayferry proxy");
  const chosen: Invocation[] = [];
  const help = (topic: HelpTopic): Invocation => ({
    kind: "help",
    topic,
    format: "plain",
  });
  const program = quiet(new Command("wayferry"))
    .enablePositionalOptions()
    .option("--version")
    .option("-h, --help")
    .argument("[command]")
    .action((name, options) => {
      if (options.version) chosen.push({ kind: "version" });
      else if (options.help) chosen.push(help("wayferry"));
      else throw unknownCommand(name);
    });
  quiet(program.command("doctor"))
    .option("-h, --help")
    .action((options) => {
      chosen.push(options.help ? help("wayferry doctor") : { kind: "doctor" });
    });
  quiet(program.command("completions"))
    .option("-h, --help")
    .argument("[shell]")
    .action((name, options) => {
      const shell = shells.find((known) => known === name);
      if (options.help) chosen.push(help("wayferry completions"));
      else if (shell !== undefined) chosen.push({ kind: "completions", shell });
      else throw unknownShell(name);
    });
  quiet(program.command("help"))
    .argument("[command]")
    .action((name) => {
      if (name === undefined) chosen.push(help("wayferry"));
      else if (name === "proxy") chosen.push(help("wayferry proxy"));
      else if (name === "doctor") chosen.push(help("wayferry doctor"));
      else if (name === "completions") {
        chosen.push(help("wayferry completions"));
      } else throw unknownCommand(name);
    });
  runCommander(
    command === "doctor"
      ? "wayferry doctor"
      : command === "completions"
      ? "wayferry completions"
      : "wayferry",
    () => {
      program.parse(args, { from: "user" });
    },
  );
  const [invocation] = chosen;
  if (invocation === undefined) {
    throw new Error("Cannot choose a command: none was called");
  }
  return invocation;
}

function unknownCommand(name: string | undefined): UsageError {
  if (name === undefined) {
    return new UsageError("a command is missing", "wayferry");
  }
  const hint = didYouMean(name, ["proxy", "doctor", "completions", "help"]) ||
    `. To run it through the proxy: wayferry proxy -- ${name}`;
  return new UsageError(`unknown command '${name}'${hint}`, "wayferry");
}

function unknownShell(name: string | undefined): UsageError {
  const known = alternatives(shells);
  return new UsageError(
    name === undefined
      ? `the name of the shell is missing, expected ${known}`
      : `unknown shell '${name}', expected ${known}`,
    "wayferry completions",
  );
}

function parseProxy(
  args: readonly string[],
  topic: "wayland-proxy-virtwl" | "wayferry proxy",
): Invocation {
  const line = normaliseLine(grammar, args);
  const format = helpFormat(line);
  if (format !== undefined) return { kind: "help", topic, format };
  if (line.errors.length > 0) {
    throw new UsageError(
      line.errors.join("\n") + commandHint(line, args, topic),
      topic,
    );
  }
  return {
    kind: "proxy",
    options: runCommander(topic, () => typedOptions(canonicalArguments(line))),
  };
}

function helpFormat(line: NormalisedLine): HelpFormat | undefined {
  const help = line.options.find((option) => option.name === "--help");
  if (help === undefined) return undefined;
  return help.value === "groff" || help.value === "pager"
    ? help.value
    : "plain";
}

/** People forget `--` in front of a command that has options of its own. */
function commandHint(
  line: NormalisedLine,
  args: readonly string[],
  topic: HelpTopic,
): string {
  const [command] = line.positionals;
  if (
    topic !== "wayferry proxy" || command === undefined || args.includes("--")
  ) return "";
  return `\nPut the command's own options after --, as in: wayferry proxy -- ${command} …`;
}

function typedOptions(args: readonly string[]): ProxyOptions {
  const integer =
    (flags: string, minimum: number, maximum = Number.MAX_SAFE_INTEGER) =>
    (text: string): number => parseInteger(flags, text, minimum, maximum);
  const collect = (
    text: string,
    earlier: string[],
  ): string[] => [...earlier, text];
  const noClasses: SuppressClass[] = [];
  const command = quiet(new Command("proxy"))
    .addOption(new Option(optionTable.virtioGpu.flags))
    .addOption(new Option(optionTable.waylandDisplay.flags))
    .addOption(
      new Option(optionTable.xDisplay.flags)
        .argParser(integer("--x-display", 0, largestXDisplay)),
    )
    .addOption(new Option(optionTable.xwaylandBinary.flags).default("Xwayland"))
    .addOption(
      new Option(optionTable.xrdb.flags).default<string[]>([]).argParser(
        collect,
      ),
    )
    .addOption(
      new Option(optionTable.xUnscale.flags).default(1).argParser(
        integer("--x-unscale", 1),
      ),
    )
    .addOption(new Option(optionTable.tag.flags).default(""))
    .addOption(
      new Option(optionTable.allow.flags).default<string[]>([]).argParser(
        collect,
      ),
    )
    .addOption(
      new Option(optionTable.deny.flags).default<string[]>([]).argParser(
        collect,
      ),
    )
    .addOption(new Option(optionTable.verbose.flags))
    .addOption(
      new Option(optionTable.logSuppress.flags).default(noClasses)
        .argParser((text: string) => parseClasses("--log-suppress", text)),
    )
    .addOption(new Option(optionTable.logRingPath.flags))
    .addOption(
      new Option(optionTable.logRingSize.flags).default(DEFAULT_RING_BYTES)
        .argParser(integer("--log-ring-size", 0, MAX_RING_BYTES)),
    )
    .argument("[command...]")
    .parse([...args], { from: "user" });
  const options = command.opts();
  const both = options.allow.find((name) => options.deny.includes(name));
  if (both !== undefined) {
    throw new UsageError(
      `options '--allow' and '--deny' are both given for ${
        alternatives([both])
      }`,
    );
  }
  return {
    virtioGpu: options.virtioGpu ?? false,
    waylandDisplay: options.waylandDisplay,
    xDisplay: options.xDisplay,
    xwaylandBinary: options.xwaylandBinary,
    xrdb: options.xrdb,
    xUnscale: options.xUnscale,
    tag: options.tag,
    allow: options.allow,
    deny: options.deny,
    verbose: options.verbose ?? false,
    logSuppress: options.logSuppress,
    logRingPath: options.logRingPath,
    logRingSizeBytes: options.logRingSize,
    command: command.processedArgs[0],
  };
}

/** commander neither prints nor exits by itself, and has no help of its own. */
function quiet<
  A extends unknown[],
  O extends Record<string, unknown>,
  G extends Record<string, unknown>,
>(
  command: Command<A, O, G>,
): Command<A, O, G> {
  return command
    .helpOption(false)
    .helpCommand(false)
    .showSuggestionAfterError(false)
    .exitOverride()
    .configureOutput({ writeOut: () => {}, writeErr: () => {} });
}

/**
 * Runs a commander parser; its complaints become usage errors of this topic.
 */
function runCommander<T>(topic: HelpTopic, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof CommanderError) {
      throw new UsageError(error.message.replace(/^error: /, ""), topic);
    }
    if (error instanceof UsageError) {
      throw new UsageError(error.message, error.topic ?? topic);
    }
    throw error;
  }
}
