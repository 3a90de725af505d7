/**
 * Command lines of those who call wayland-proxy-virtwl today, and of those who
 * will call wayferry.
 */

import assert from "node:assert/strict";
import { UsageError } from "../../../src/cli/cli_error.ts";
import type { HelpTopic, Invocation } from "../../../src/cli/invocation.ts";
import { parseDropIn, parseWayferry } from "../../../src/cli/parser.ts";
import type { ProxyOptions } from "../../../src/programs/proxy/options.ts";

const defaults: ProxyOptions = {
  virtioGpu: false,
  waylandDisplay: undefined,
  xDisplay: undefined,
  xwaylandBinary: "Xwayland",
  xrdb: [],
  xUnscale: 1,
  tag: "",
  allow: [],
  deny: [],
  verbose: false,
  logSuppress: [],
  logRingPath: undefined,
  logRingSizeBytes: 524288,
  command: [],
};

function proxyOptions(invocation: Invocation): ProxyOptions {
  assert.equal(invocation.kind, "proxy");
  return invocation.options;
}

const xwayland = "/nix/store/abc-xwayland-24.1/bin/Xwayland";

/** The words of a command line, in which ␣ is a blank within a word. */
function words(line: string): string[] {
  const parts = line === "" ? [] : line.split(" ");
  return parts.map((part) => part.replaceAll("␣", " "));
}

/** Who calls it, with what, and how that differs from the defaults. */
const callers: readonly (readonly [
  caller: string,
  line: string,
  options: Partial<ProxyOptions>,
])[] = [
  ["nobody in particular", "", {}],
  [
    "microvm.nix's run-wayland-proxy",
    "--virtio-gpu -- firefox --new-window -v",
    { virtioGpu: true, command: ["firefox", "--new-window", "-v"] },
  ],
  [
    "microvm.nix's graphics example",
    `--virtio-gpu --x-display=0 --xwayland-binary=${xwayland}`,
    { virtioGpu: true, xDisplay: 0, xwaylandBinary: xwayland },
  ],
  [
    "clan-core",
    `--virtio-gpu --x-display=1 --xwayland-binary=${xwayland}`,
    { virtioGpu: true, xDisplay: 1, xwaylandBinary: xwayland },
  ],
  ["Spectrum", "--virtio-gpu --x-display=0", { virtioGpu: true, xDisplay: 0 }],
  [
    "ghaf's app-VM scripts, without a --",
    "--virtio-gpu chromium",
    { virtioGpu: true, command: ["chromium"] },
  ],
  [
    "a system unit",
    "--virtio-gpu --wayland-display wayland-7",
    { virtioGpu: true, waylandDisplay: "wayland-7" },
  ],
  [
    "the original's README",
    "--virtio-gpu --tag=[my-vm]␣ --wayland-display wayland-0 --x-display=0 --xrdb Xft.dpi:150",
    {
      virtioGpu: true,
      tag: "[my-vm] ",
      waylandDisplay: "wayland-0",
      xDisplay: 0,
      xrdb: ["Xft.dpi:150"],
    },
  ],
  [
    "a terminal in a VM",
    `--virtio-gpu --tag=[vm]␣-␣ --x-display=0 --xwayland-binary=${xwayland}`,
    {
      virtioGpu: true,
      tag: "[vm] - ",
      xDisplay: 0,
      xwaylandBinary: xwayland,
    },
  ],
  [
    "somebody without a VM",
    `--wayland-display=wayland-2 --xwayland-binary=${xwayland} --x-display=2 --verbose`,
    {
      waylandDisplay: "wayland-2",
      xwaylandBinary: xwayland,
      xDisplay: 2,
      verbose: true,
    },
  ],
  ["nixpak", "--tag=[app]␣", { tag: "[app] " }],
  [
    "somebody who logs",
    "-v --log-suppress motion,shm,delete,region,drawing,hints --log-ring-path wayland.log --log-ring-size=0x100000",
    {
      verbose: true,
      logSuppress: ["motion", "shm", "delete", "region", "drawing", "hints"],
      logRingPath: "wayland.log",
      logRingSizeBytes: 0x100000,
    },
  ],
  [
    "a HiDPI desktop, abbreviating",
    "--x-un 2 --xr=Xft.dpi:192 --xrdb=a:b --wayl ./socket",
    {
      xUnscale: 2,
      xrdb: ["Xft.dpi:192", "a:b"],
      waylandDisplay: "./socket",
    },
  ],
  [
    "somebody whose options follow the command",
    "foot --tag x vim",
    { tag: "x", command: ["foot", "vim"] },
  ],
  [
    "somebody with rules",
    "--allow=zwlr_layer_shell_v1 --deny wp_viewporter --deny=wp_presentation",
    {
      allow: ["zwlr_layer_shell_v1"],
      deny: ["wp_viewporter", "wp_presentation"],
    },
  ],
];

for (const [caller, line, options] of callers) {
  Deno.test(`the command line of ${caller} means the same under both names`, () => {
    const args = words(line);
    const expected = { ...defaults, ...options };
    assert.deepEqual(proxyOptions(parseDropIn(args)), expected);
    assert.deepEqual(proxyOptions(parseWayferry(["proxy", ...args])), expected);
  });
}

function complaint(parse: () => unknown): string {
  try {
    parse();
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    return error.message;
  }
  throw new Error("The command line was accepted");
}

const wrong: readonly (readonly [line: string, message: string])[] = [
  ["--version", "unknown option '--version'"],
  [
    "--x-display=one",
    "option '--x-display': invalid value 'one', expected an integer",
  ],
  [
    "--x-display=-1",
    "option '--x-display': invalid value '-1', expected an integer from 0 to 59535",
  ],
  [
    "--x-unscale=1.5",
    "option '--x-unscale': invalid value '1.5', expected an integer",
  ],
  [
    "--log-suppress=motion,color",
    "option '--log-suppress': invalid element in list ('motion,color'): invalid value 'color', " +
    "expected one of 'motion', 'shm', 'delete', 'region', 'drawing' or 'hints'",
  ],
  [
    "--allow=wl_seat --deny=wl_seat",
    "options '--allow' and '--deny' are both given for 'wl_seat'",
  ],
];

for (const [line, message] of wrong) {
  Deno.test(`wayland-proxy-virtwl ${line} is refused with its reason`, () => {
    assert.equal(complaint(() => parseDropIn(words(line))), message);
  });
}

const integers: [text: string, value: number][] = [
  ["0", 0],
  ["007", 7],
  ["0x1F", 31],
  ["0o17", 15],
  ["0b101", 5],
  ["0u12", 12],
  ["1_000", 1000],
  ["+3", 3],
];

for (const [text, value] of integers) {
  Deno.test(`an integer may be written as ${text}, as OCaml has it`, () => {
    assert.equal(
      proxyOptions(parseDropIn([`--log-ring-size=${text}`])).logRingSizeBytes,
      value,
    );
  });
}

for (const text of ["", " 1", "1 ", "1e3", "_1", "0x", "Infinity", "٣"]) {
  Deno.test(`${JSON.stringify(text)} is no integer`, () => {
    assert.match(
      complaint(() => parseDropIn([`--log-ring-size=${text}`])),
      /expected an integer/,
    );
  });
}

Deno.test("classes of messages may be shortened, and empty elements do not count", () => {
  assert.deepEqual(
    proxyOptions(parseDropIn(["--log-suppress=,mot,,dr,"])).logSuppress,
    ["motion", "drawing"],
  );
});

const helps: [line: string, format: string][] = [
  ["--help", "plain"],
  ["--help=auto", "plain"],
  ["--help=groff", "groff"],
  ["--help=pager", "pager"],
  ["--help foot", "plain"],
  ["--bogus --tag --he", "plain"],
  ["foot --help", "plain"],
];

for (const [line, format] of helps) {
  Deno.test(`wayland-proxy-virtwl ${line} is a call for help`, () => {
    assert.deepEqual(parseDropIn(words(line)), {
      kind: "help",
      topic: "wayland-proxy-virtwl",
      format,
    });
  });
}

Deno.test("--help behind -- belongs to the command", () => {
  assert.deepEqual(
    proxyOptions(parseDropIn(["--", "foot", "--help"])).command,
    ["foot", "--help"],
  );
});

function helpOn(topic: HelpTopic): Invocation {
  return { kind: "help", topic, format: "plain" };
}

const invocations: [line: string, invocation: Invocation][] = [
  ["--version", { kind: "version" }],
  ["--help", helpOn("wayferry")],
  ["-h", helpOn("wayferry")],
  ["help", helpOn("wayferry")],
  ["help proxy", helpOn("wayferry proxy")],
  ["help completions", helpOn("wayferry completions")],
  ["proxy --help", helpOn("wayferry proxy")],
  ["completions --help", helpOn("wayferry completions")],
  ["doctor", { kind: "doctor" }],
  ["doctor --help", helpOn("wayferry doctor")],
  ["help doctor", helpOn("wayferry doctor")],
  ["completions bash", { kind: "completions", shell: "bash" }],
  ["completions zsh", { kind: "completions", shell: "zsh" }],
  ["completions fish", { kind: "completions", shell: "fish" }],
];

for (const [line, invocation] of invocations) {
  Deno.test(`wayferry ${line} is understood`, () => {
    assert.deepEqual(parseWayferry(words(line)), invocation);
  });
}

const wrongForWayferry: [line: string, message: string][] = [
  ["", "a command is missing"],
  [
    "foot",
    "unknown command 'foot'. To run it through the proxy: wayferry proxy -- foot",
  ],
  ["proxi", "unknown command 'proxi'. Did you mean 'proxy'?"],
  ["help prox", "unknown command 'prox'. Did you mean 'proxy'?"],
  [
    "doctor foot",
    "too many arguments for 'doctor'. Expected 0 arguments but got 1: foot.",
  ],
  [
    "completions",
    "the name of the shell is missing, expected 'bash', 'zsh' or 'fish'",
  ],
  [
    "completions ksh",
    "unknown shell 'ksh', expected 'bash', 'zsh' or 'fish'",
  ],
  [
    "proxy foot -e vim",
    "unknown option '-e'\n" +
    "Put the command's own options after --, as in: wayferry proxy -- foot …",
  ],
];

for (const [line, message] of wrongForWayferry) {
  Deno.test(`wayferry ${line} is refused with a way out`, () => {
    assert.equal(complaint(() => parseWayferry(words(line))), message);
  });
}
