/**
 * Help for the terminal, made from the table of options. Pure: who prints it
 * decides about colours.
 */

import type { HelpTopic } from "./invocation.ts";
import { flagParts, optionDefinitions, optionGroups } from "./option_table.ts";
import { version } from "./version.ts";

/** How the parts of a text stand out. */
export interface Style {
  readonly heading: (text: string) => string;
  readonly strong: (text: string) => string;
}

/** For pipes and files. */
export const plainStyle: Style = {
  heading: (text) => text,
  strong: (text) => text,
};

/** For terminals. */
export const terminalStyle: Style = {
  heading: (text) => `\x1b[1;4m${text}\x1b[0m`,
  strong: (text) => `\x1b[1m${text}\x1b[0m`,
};

const columns = 80;
const textColumn = 28;

/** The usage of each topic, one line. */
export function usageOf(topic: HelpTopic): string {
  switch (topic) {
    case "wayland-proxy-virtwl":
      return "wayland-proxy-virtwl [--help] [OPTION]… [--] [COMMAND [ARGUMENT]…]";
    case "wayferry":
      return "wayferry proxy|doctor|completions|help …";
    case "wayferry proxy":
      return "wayferry proxy [--help] [OPTION]… [--] [COMMAND [ARGUMENT]…]";
    case "wayferry doctor":
      return "wayferry doctor";
    case "wayferry completions":
      return "wayferry completions bash|zsh|fish";
  }
}

/** The help on a topic. */
export function helpText(topic: HelpTopic, style: Style): string {
  switch (topic) {
    case "wayland-proxy-virtwl":
    case "wayferry proxy":
      return proxyHelp(topic, style);
    case "wayferry":
      return overview(style);
    case "wayferry doctor":
      return doctorHelp(style);
    case "wayferry completions":
      return completionsHelp(style);
  }
}

function section(
  style: Style,
  title: string,
  lines: readonly string[],
): string {
  return `\n${style.heading(title)}\n${lines.join("\n")}\n`;
}

function overview(style: Style): string {
  const command = (name: string, text: string): string =>
    entry(style, name, text);
  return `Wayferry ${version} shows Wayland applications on another compositor.\n` +
    section(style, "Usage", [`  ${usageOf("wayferry")}`]) +
    section(style, "Commands", [
      command(
        "proxy",
        "Listen for applications, or run one, and show their windows",
      ),
      command(
        "doctor",
        "Report what this machine has and lacks for showing applications",
      ),
      command(
        "completions SHELL",
        "Print the completions for bash, zsh or fish",
      ),
      command("help [COMMAND]", "Explain a command"),
    ]) +
    section(style, "Options", [
      command("--version", "Print the version"),
      command("-h, --help", "Print this"),
    ]) +
    section(style, "Examples", [
      `  ${style.strong("wayferry proxy -- foot")}`,
      "    runs a terminal through the proxy",
      `  ${style.strong('wayferry proxy --tag="[work] " -- firefox')}`,
      "    puts a tag in front of every window title",
    ]) +
    "\nCalled as wayland-proxy-virtwl, it takes the command line of that program.\n";
}

function proxyHelp(
  topic: "wayland-proxy-virtwl" | "wayferry proxy",
  style: Style,
): string {
  const groups = Object.entries(optionGroups).map(([group, title]) =>
    section(
      style,
      title,
      optionDefinitions
        .filter((definition) => definition.group === group)
        .map(({ flags, summary }) => entry(style, flagText(flags), summary)),
    )
  );
  return "Show the windows of Wayland applications on the compositor at $WAYLAND_DISPLAY,\n" +
    "or, with --virtio-gpu, on the compositor of the host.\n" +
    "With a command, the proxy runs it and exits when it exits.\n" +
    "Without one, the proxy serves applications until a signal stops it.\n" +
    section(style, "Usage", [`  ${usageOf(topic)}`]) +
    groups.join("") +
    section(style, "Help", [
      entry(
        style,
        "--help[=FORMAT]",
        "Print this; FORMAT is plain, pager, or groff (the manual page)",
      ),
    ]) +
    section(style, "Notes", [
      "  Options may be shortened, and may stand after the command, until -- ends them.",
      `  ${defaultDisplay(topic)}`,
      "  WAYLAND_DEBUG_PROXY=client,server logs the messages of one side or of both.",
    ]) +
    section(style, "Exit status", [
      "  0 success    123 cannot run    124 usage error    125 internal error",
    ]);
}

/**
 * Where the proxy listens by default: the drop-in on a fixed display, ours on a
 * free one.
 */
export function defaultDisplay(
  topic: "wayland-proxy-virtwl" | "wayferry proxy",
): string {
  return topic === "wayland-proxy-virtwl"
    ? "By default it listens on wayland-1."
    : "By default it listens on the first free of wayland-1 to wayland-32.";
}

function doctorHelp(style: Style): string {
  return "Report what this machine has and lacks for showing applications.\n" +
    section(style, "Usage", [`  ${usageOf("wayferry doctor")}`]) +
    section(style, "What it does", [
      "  It checks the kernel, the virtio-gpu device and everything that it offers, the",
      "  compositor and its globals, and Xwayland. It reports what it finds, and says",
      "  what to do about everything that is missing.",
      "",
      "  With a usable device, it checks the compositor of the host, and shows a small",
      "  window there for a moment. Otherwise it checks the compositor of this machine,",
      "  at $WAYLAND_DISPLAY; then the device counts as MISSING only if that compositor",
      "  cannot show windows either.",
    ]) +
    section(style, "Exit status", [
      "  0 applications run  123 they do not  124 usage error  125 internal error",
    ]);
}

function completionsHelp(style: Style): string {
  const line = (shell: string, text: string): string =>
    `  ${style.strong(shell.padEnd(6))}${text}`;
  return "Print the completions for a shell, for both names of the program.\n" +
    section(style, "Usage", [`  ${usageOf("wayferry completions")}`]) +
    section(style, "To install them", [
      line("bash", "source <(wayferry completions bash)    in ~/.bashrc"),
      line(
        "zsh",
        "source <(wayferry completions zsh)     in ~/.zshrc, after compinit",
      ),
      line(
        "fish",
        "wayferry completions fish | source     in ~/.config/fish/config.fish",
      ),
    ]);
}

/**
 * "-v, --verbose", or "    --tag=TEXT" so that the long names stand in one
 * column.
 */
function flagText(flags: string): string {
  const { short, long, placeholder } = flagParts(flags);
  const value = placeholder === undefined ? "" : `=${placeholder}`;
  return `${short === undefined ? "    " : `${short}, `}${long}${value}`;
}

function entry(style: Style, name: string, text: string): string {
  const lines = wrap(text, columns - textColumn);
  const room = textColumn - 2;
  const head = `  ${style.strong(name)}${
    " ".repeat(Math.max(room - name.length, 0))
  }`;
  const indent = " ".repeat(textColumn);
  return name.length >= room
    ? [head, ...lines.map((line) => indent + line)].join("\n")
    : head + lines.join(`\n${indent}`);
}

/** Breaks at blanks, and after commas where a word is longer than the line. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (
    const word of text.replaceAll(/,(?=\S)/g, ",\u200b").split(/(?<= )|\u200b/)
  ) {
    if (line !== "" && line.length + word.trimEnd().length > width) {
      lines.push(line.trimEnd());
      line = "";
    }
    line += word;
  }
  return [...lines, line.trimEnd()];
}
