/**
 * The manual pages, in the language of man(7), made from the same table as the
 * help.
 *
 * docs/*.1 are what `--help=groff` prints.
 */

import { defaultDisplay } from "./help.ts";
import { flagParts, optionDefinitions, optionGroups } from "./option_table.ts";
import { version } from "./version.ts";

/**
 * Text for roff: no line of it may begin with a control character, and a minus
 * is not a hyphen.
 */
function roff(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll(
    "…",
    "\\&.\\|.\\|.",
  )
    .replaceAll(/^([.'])/gm, "\\&$1");
}

/** The manual page of either name. */
export function manualPage(
  topic: "wayland-proxy-virtwl" | "wayferry proxy",
): string {
  const dropIn = topic === "wayland-proxy-virtwl";
  const name = dropIn ? "wayland-proxy-virtwl" : "wayferry";
  const other = dropIn ? "wayferry" : "wayland-proxy-virtwl";
  const paragraphs = (lines: readonly string[]): string =>
    lines.map((line) => `${roff(line)}\n`).join(".PP\n");
  const tagged = (entries: readonly (readonly [string, string])[]): string =>
    entries.map(([term, text]) => `.TP\n${term}\n${roff(text)}\n`).join("");
  const options = Object.entries(optionGroups).map(([group, title]) =>
    `.SS ${roff(title)}\n` +
    tagged(
      optionDefinitions.filter((definition) => definition.group === group).map(
        ({ flags, summary, detail }) =>
          [
            term(flags),
            `${summary}.${detail === "" ? "" : ` ${detail}`}`,
          ] as const,
      ),
    )
  ).join("");
  const command = dropIn ? "" : " proxy";
  return `.\\" Made by: ${name}${command} \\-\\-help=groff
.TH ${
    name.toUpperCase().replaceAll("-", "\\-")
  } 1 "" "Wayferry ${version}" "User Commands"
.SH NAME
${roff(name)} \\- show Wayland applications on another compositor
.SH SYNOPSIS
.B ${roff(`${name}${command}`)}
[\\fIOPTION\\fR]\\&.\\|.\\|. [\\fB\\-\\-\\fR] [\\fICOMMAND\\fR [\\fIARGUMENT\\fR]\\&.\\|.\\|.]
${
    dropIn ? "" : `.br
.B wayferry doctor
.br
.B wayferry completions
\\fBbash\\fR|\\fBzsh\\fR|\\fBfish\\fR
.br
.B wayferry
\\fBhelp\\fR [\\fICOMMAND\\fR] | \\fB\\-\\-version\\fR
`
  }.SH DESCRIPTION
${
    paragraphs([
      "Applications connect to the proxy as they would to a compositor. The proxy forwards their messages to the " +
      "compositor that WAYLAND_DISPLAY names or, with --virtio-gpu, to the compositor of the host. Each application has a " +
      "connection of its own. The proxy makes the changes that its options ask for.",
      "With a command, the proxy runs it with WAYLAND_DISPLAY set to the proxy's own display, and exits when it exits. " +
      "Without one, it serves applications until SIGINT, SIGTERM or SIGHUP stops it.",
      `${
        defaultDisplay(topic)
      } It leaves a display alone if a server listens on it, and replaces the socket of a server that died.`,
    ])
  }${dropIn ? "" : doctorSection()}.SH OPTIONS
${
    paragraphs([
      "A long option may be written as --name=value or as --name value, and may be shortened as long as that is unambiguous. " +
      "Options may also stand after the command, until -- ends them: put the command's own options after --.",
    ])
  }${options}.SS Help
${
    tagged([[
      "\\fB\\-\\-help\\fR[=\\fIFORMAT\\fR]",
      "Print help and exit. The format is plain (or auto), pager, or groff for the source of this page.",
    ]])
  }.SH EXIT STATUS
${
    tagged([
      [
        "0",
        "Success. The exit status of the command does not change this; the proxy logs it.",
      ],
      ["123", "The program cannot run, and says why."],
      ["124", "Usage error: the command line is wrong."],
      ["125", "Internal error: a bug in the program."],
    ])
  }.SH ENVIRONMENT
${
    tagged([
      [
        "XDG_RUNTIME_DIR",
        "Directory for sockets given by name rather than by path.",
      ],
      [
        "WAYLAND_DISPLAY",
        "The compositor's socket: a name or a path, wayland-0 by default.",
      ],
      [
        "WAYLAND_SOCKET",
        "The number of a file descriptor that is connected to the compositor. The first application uses it, " +
        "the others use WAYLAND_DISPLAY.",
      ],
      [
        "WAYLAND_DEBUG_PROXY",
        "What to log, separated by commas: client, server, xwayland; 1 stands for client and server. " +
        "If it is not set, the proxy reads WAYLAND_DEBUG, which applications read as well.",
      ],
      [
        "LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES",
        "Socket activation (systemd.socket). The sockets are named wayland and x11.",
      ],
    ])
  }.SH FILES
${
    tagged([
      [
        "\\fI$XDG_RUNTIME_DIR/NAME\\fR, \\fI$XDG_RUNTIME_DIR/NAME.lock\\fR",
        "The socket of the display and its lock; the proxy removes both when it exits.",
      ],
      [
        "\\fI$XDG_RUNTIME_DIR/NAME\\-ctl\\fR",
        "A pipe, with --log-ring-path: write a line to it, and the proxy appends the log to the file.",
      ],
    ])
  }.SH EXAMPLES
${
    tagged(
      [
        [
          `\\fB${roff(`${name}${command}`)} \\-\\- foot\\fR`,
          "Run a terminal through the proxy.",
        ],
        [
          `\\fB${
            roff(`${name}${command}`)
          } \\-\\-tag="[work] " \\-\\-wayland\\-display=wayland\\-5\\fR`,
          "Serve applications that have WAYLAND_DISPLAY=wayland-5, and tag their window titles.",
        ],
      ],
    )
  }.SH SEE ALSO
.BR ${roff(other)} (1),
.BR Xwayland (1),
.BR systemd.socket (5)
`;
}

/** `wayferry doctor`, which the drop-in does not have. */
function doctorSection(): string {
  return `.SH DOCTOR
${
    roff(
      "wayferry doctor reports, line by line, what this machine has and lacks for showing applications: the kernel, the " +
        "virtio-gpu device and its permissions, everything that the device and its host offer, the compositor and its " +
        "globals, and Xwayland. A line with MISSING names what keeps applications from running, and says what to do. With a usable " +
        "device, doctor checks the compositor of the host, and shows a small window there for a moment. Otherwise it " +
        "checks the compositor of this machine; then the device counts as MISSING only if that compositor cannot show " +
        "windows either. The last line says whether an application would run, and with which command; the exit status is " +
        "0 only if it would.",
    )
  }
`;
}

/** "\fB-v\fR, \fB--tag\fR=\fITEXT\fR". */
function term(flags: string): string {
  const { short, long, placeholder } = flagParts(flags);
  return [
    short === undefined ? "" : `\\fB${roff(short)}\\fR, `,
    `\\fB${roff(long)}\\fR`,
    placeholder === undefined ? "" : `=\\fI${roff(placeholder)}\\fR`,
  ].join("");
}
