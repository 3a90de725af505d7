/**
 * The manual pages, in the language of man(7), made from the same table as the help.
 *
 * docs/*.1 are what `--help=groff` prints.
 */

import { defaultDisplay } from "./help.ts";
import { flagParts, optionDefinitions, optionGroups } from "./option_table.ts";
import { version } from "./version.ts";

/** Text for roff: no line of it may begin with a control character, and a minus is not a hyphen. */
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
      "compositor named by WAYLAND_DISPLAY, or with --virtio-gpu to the one of the host, over one connection for each of " +
      "them, and changes what it was asked to change.",
      "With a command, the proxy runs it with WAYLAND_DISPLAY set to the proxy's own display, and ends when it ends. " +
      "Without one, it serves until SIGINT, SIGTERM or SIGHUP ends it.",
      `${
        defaultDisplay(topic)
      } A display on which a server listens is left alone; the socket of one that died is replaced.`,
    ])
  }${dropIn ? "" : doctorSection()}.SH OPTIONS
${
    paragraphs([
      "A long option may be written as --name=value or as --name value, and may be shortened as long as that is unambiguous. " +
      "Options may stand behind the command, too, until -- ends them: what belongs to the command goes behind --.",
    ])
  }${options}.SS Help
${
    tagged([[
      "\\fB\\-\\-help\\fR[=\\fIFORMAT\\fR]",
      "Print help, and end. The format is plain (or auto), pager, or groff for the source of this page.",
    ]])
  }.SH EXIT STATUS
${
    tagged([
      [
        "0",
        "All went well. The status of the command does not change it; it is logged.",
      ],
      ["123", "The proxy could not run, and said why."],
      ["124", "The command line is wrong."],
      ["125", "A defect of the proxy."],
    ])
  }.SH ENVIRONMENT
${
    tagged([
      ["XDG_RUNTIME_DIR", "The directory of sockets that have a name only."],
      [
        "WAYLAND_DISPLAY",
        "The compositor's socket: a name or a path, wayland-0 by default.",
      ],
      [
        "WAYLAND_SOCKET",
        "The number of a file descriptor that is connected to the compositor. The first application uses it, " +
        "the others WAYLAND_DISPLAY.",
      ],
      [
        "WAYLAND_DEBUG_PROXY",
        "A list, separated by commas, of what to log: client, server, xwayland; 1 stands for client and server. " +
        "Where it is not set, WAYLAND_DEBUG is read, which applications read, too.",
      ],
      [
        "LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES",
        "Socket activation. The sockets are named wayland and x11.",
      ],
    ])
  }.SH FILES
${
    tagged([
      [
        "\\fI$XDG_RUNTIME_DIR/NAME\\fR, \\fI$XDG_RUNTIME_DIR/NAME.lock\\fR",
        "The display's socket and its lock, removed at the end.",
      ],
      [
        "\\fI$XDG_RUNTIME_DIR/NAME\\-ctl\\fR",
        "With --log-ring-path, a pipe: any line written to it appends the log to the file.",
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
          "Serve applications that have WAYLAND_DISPLAY=wayland-5, and mark their titles.",
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
      "wayferry doctor tells, line by line, what this machine has and lacks for showing applications: kernel, virtio-gpu " +
        "device and permissions, everything that the device and the host behind it offer, the compositor and its globals, and " +
        "Xwayland. MISSING stands before what keeps applications from running, with what to do. Where there is a usable device, " +
        "the compositor is the host's, and a small window is shown there for a moment; else it is the one of this machine, and " +
        "what the device lacks is MISSING only where that compositor cannot show windows either. The last line says whether an application would run, and by which command; only then is the exit status 0.",
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
