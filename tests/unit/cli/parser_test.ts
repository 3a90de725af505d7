/**
 * Command lines of those who call wayland-proxy-virtwl today, and of those who
 * will call wayferry.
 */

import assert from "node:assert/strict";
import { UsageError } from "../../../src/cli/cli_error.ts";
import type { Invocation } from "../../../src/cli/invocation.ts";
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

/** Who calls it, with what, and how that differs from the defaults. */
const callers: {
  caller: string;
  args: string[];
  options: Partial<ProxyOptions>;
}[] = [
  { caller: "nobody in particular", args: [], options: {} },
  {
    caller: "microvm.nix's run-wayland-proxy",
    args: ["--virtio-gpu", "--", "firefox", "--new-window", "-v"],
    options: { virtioGpu: true, command: ["firefox", "--new-window", "-v"] },
  },
  {
    caller: "microvm.nix's graphics example",
    args: ["--virtio-gpu", "--x-display=0", `--xwayland-binary=${xwayland}`],
    options: { virtioGpu: true, xDisplay: 0, xwaylandBinary: xwayland },
  },
  {
    caller: "clan-core",
    args: ["--virtio-gpu", "--x-display=1", `--xwayland-binary=${xwayland}`],
    options: { virtioGpu: true, xDisplay: 1, xwaylandBinary: xwayland },
  },
  {
    caller: "Spectrum",
    args: ["--virtio-gpu", "--x-display=0"],
    options: { virtioGpu: true, xDisplay: 0 },
  },
  {
    caller: "ghaf's app-VM scripts, without a --",
    args: ["--virtio-gpu", "chromium"],
    options: { virtioGpu: true, command: ["chromium"] },
  },
  {
    caller: "a system unit",
    args: ["--virtio-gpu", "--wayland-display", "wayland-7"],
    options: { virtioGpu: true, waylandDisplay: "wayland-7" },
  },
  {
    caller: "the original's README",
    args: [
      "--virtio-gpu",
      "--tag=[my-vm] ",
      "--wayland-display",
      "wayland-0",
      "--x-display=0",
      "--xrdb",
      "Xft.dpi:150",
    ],
    options: {
      virtioGpu: true,
      tag: "[my-vm] ",
      waylandDisplay: "wayland-0",
      xDisplay: 0,
      xrdb: ["Xft.dpi:150"],
    },
  },
  {
    caller: "a terminal in a VM",
    args: [
      "--virtio-gpu",
      "--tag=[vm] - ",
      "--x-display=0",
      `--xwayland-binary=${xwayland}`,
    ],
    options: {
      virtioGpu: true,
      tag: "[vm] - ",
      xDisplay: 0,
      xwaylandBinary: xwayland,
    },
  },
  {
    caller: "somebody without a VM",
    args: [
      "--wayland-display=wayland-2",
      `--xwayland-binary=${xwayland}`,
      "--x-display=2",
      "--verbose",
    ],
    options: {
      waylandDisplay: "wayland-2",
      xwaylandBinary: xwayland,
      xDisplay: 2,
      verbose: true,
    },
  },
  { caller: "nixpak", args: ["--tag=[app] "], options: { tag: "[app] " } },
  {
    caller: "somebody who logs",
    args: [
      "-v",
      "--log-suppress",
      "motion,shm,delete,region,drawing,hints",
      "--log-ring-path",
      "wayland.log",
      "--log-ring-size=0x100000",
    ],
    options: {
      verbose: true,
      logSuppress: ["motion", "shm", "delete", "region", "drawing", "hints"],
      logRingPath: "wayland.log",
      logRingSizeBytes: 0x100000,
    },
  },
  {
    caller: "a HiDPI desktop, abbreviating",
    args: [
      "--x-un",
      "2",
      "--xr=Xft.dpi:192",
      "--xrdb=a:b",
      "--wayl",
      "./socket",
    ],
    options: {
      xUnscale: 2,
      xrdb: ["Xft.dpi:192", "a:b"],
      waylandDisplay: "./socket",
    },
  },
  {
    caller: "somebody whose options follow the command",
    args: ["foot", "--tag", "x", "vim"],
    options: { tag: "x", command: ["foot", "vim"] },
  },
  {
    caller: "somebody with rules",
    args: [
      "--allow=zwlr_layer_shell_v1",
      "--deny",
      "wp_viewporter",
      "--deny=wp_presentation",
    ],
    options: {
      allow: ["zwlr_layer_shell_v1"],
      deny: ["wp_viewporter", "wp_presentation"],
    },
  },
];

for (const { caller, args, options } of callers) {
  Deno.test(`the command line of ${caller} means the same under both names`, () => {
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

const wrong: { args: string[]; message: string }[] = [
  { args: ["--version"], message: "unknown option '--version'" },
  {
    args: ["--x-display=one"],
    message: "option '--x-display': invalid value 'one', expected an integer",
  },
  {
    args: ["--x-display=-1"],
    message:
      "option '--x-display': invalid value '-1', expected an integer from 0 to 59535",
  },
  {
    args: ["--x-unscale=1.5"],
    message: "option '--x-unscale': invalid value '1.5', expected an integer",
  },
  {
    args: ["--log-suppress=motion,color"],
    message:
      "option '--log-suppress': invalid element in list ('motion,color'): invalid value 'color', " +
      "expected one of 'motion', 'shm', 'delete', 'region', 'drawing' or 'hints'",
  },
  {
    args: ["--allow=wl_seat", "--deny=wl_seat"],
    message: "options '--allow' and '--deny' are both given for 'wl_seat'",
  },
];

for (const { args, message } of wrong) {
  Deno.test(`wayland-proxy-virtwl ${args.join(" ")} is refused with its reason`, () => {
    assert.equal(complaint(() => parseDropIn(args)), message);
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

const helps: [args: string[], format: string][] = [
  [["--help"], "plain"],
  [["--help=auto"], "plain"],
  [["--help=groff"], "groff"],
  [["--help=pager"], "pager"],
  [["--help", "foot"], "plain"],
  [["--bogus", "--tag", "--he"], "plain"],
  [["foot", "--help"], "plain"],
];

for (const [args, format] of helps) {
  Deno.test(`wayland-proxy-virtwl ${args.join(" ")} is a call for help`, () => {
    assert.deepEqual(parseDropIn(args), {
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

const invocations: [args: string[], invocation: Invocation][] = [
  [["--version"], { kind: "version" }],
  [["--help"], { kind: "help", topic: "wayferry", format: "plain" }],
  [["-h"], { kind: "help", topic: "wayferry", format: "plain" }],
  [["help"], { kind: "help", topic: "wayferry", format: "plain" }],
  [["help", "proxy"], {
    kind: "help",
    topic: "wayferry proxy",
    format: "plain",
  }],
  [["help", "completions"], {
    kind: "help",
    topic: "wayferry completions",
    format: "plain",
  }],
  [["proxy", "--help"], {
    kind: "help",
    topic: "wayferry proxy",
    format: "plain",
  }],
  [["completions", "--help"], {
    kind: "help",
    topic: "wayferry completions",
    format: "plain",
  }],
  [["doctor"], { kind: "doctor" }],
  [["doctor", "--help"], {
    kind: "help",
    topic: "wayferry doctor",
    format: "plain",
  }],
  [["help", "doctor"], {
    kind: "help",
    topic: "wayferry doctor",
    format: "plain",
  }],
  [["completions", "bash"], { kind: "completions", shell: "bash" }],
  [["completions", "zsh"], { kind: "completions", shell: "zsh" }],
  [["completions", "fish"], { kind: "completions", shell: "fish" }],
];

for (const [args, invocation] of invocations) {
  Deno.test(`wayferry ${args.join(" ")} is understood`, () => {
    assert.deepEqual(parseWayferry(args), invocation);
  });
}

const wrongForWayferry: [args: string[], message: string][] = [
  [[], "a command is missing"],
  [
    ["foot"],
    "unknown command 'foot'. To run it through the proxy: wayferry proxy -- foot",
  ],
  [["proxi"], "unknown command 'proxi'. Did you mean 'proxy'?"],
  [["help", "prox"], "unknown command 'prox'. Did you mean 'proxy'?"],
  [
    ["doctor", "foot"],
    "too many arguments for 'doctor'. Expected 0 arguments but got 1: foot.",
  ],
  [
    ["completions"],
    "the name of the shell is missing, expected 'bash', 'zsh' or 'fish'",
  ],
  [
    ["completions", "ksh"],
    "unknown shell 'ksh', expected 'bash', 'zsh' or 'fish'",
  ],
  [
    ["proxy", "foot", "-e", "vim"],
    "unknown option '-e'\n" +
    "Put the command's own options after --, as in: wayferry proxy -- foot …",
  ],
];

for (const [args, message] of wrongForWayferry) {
  Deno.test(`wayferry ${args.join(" ")} is refused with a way out`, () => {
    assert.equal(complaint(() => parseWayferry(args)), message);
  });
}
