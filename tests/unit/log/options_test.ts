/** What is logged where, from options and environment. */

import assert from "node:assert/strict";
import type { LogSource } from "../../../src/log/level.ts";
import {
  type LoggingOptions,
  parseDebugEnvironment,
  planLogging,
} from "../../../src/log/options.ts";

type Environment = Readonly<Record<string, string>>;

function environment(variables: Environment): Pick<Deno.Env, "get"> {
  return { get: (name) => variables[name] };
}

const debugRows: [
  variables: Environment,
  sources: LogSource[],
  warnings?: string[],
][] = [
  [{}, []],
  [{ WAYLAND_DEBUG: "" }, []],
  [{ WAYLAND_DEBUG: "1" }, ["wl-client", "wl-server"]],
  [{ WAYLAND_DEBUG: "client" }, ["wl-client"]],
  [{ WAYLAND_DEBUG: "server," }, ["wl-server"]],
  [{ WAYLAND_DEBUG_PROXY: "xwayland" }, ["xwayland", "x11"]],
  [{ WAYLAND_DEBUG_PROXY: "client,server,xwayland" }, [
    "wl-client",
    "wl-server",
    "xwayland",
    "x11",
  ]],
  // the proxy's own variable wins even where it is empty: WAYLAND_DEBUG is
  // for the children then
  [{ WAYLAND_DEBUG_PROXY: "", WAYLAND_DEBUG: "1" }, []],
  [{ WAYLAND_DEBUG_PROXY: "server", WAYLAND_DEBUG: "client" }, ["wl-server"]],
  [{ WAYLAND_DEBUG: "1,client" }, ["wl-client"], [
    'Unknown $WAYLAND_DEBUG item "1": expected client, server or xwayland',
  ]],
  [{ WAYLAND_DEBUG_PROXY: "Client, server" }, [], [
    'Unknown $WAYLAND_DEBUG_PROXY item "Client": expected client, server or xwayland',
    'Unknown $WAYLAND_DEBUG_PROXY item " server": expected client, server or xwayland',
  ]],
];

for (const [variables, sources, warnings = []] of debugRows) {
  Deno.test(`the environment ${JSON.stringify(variables)} asks for ${sources.join(" and ") || "nothing"}`, () => {
    const request = parseDebugEnvironment(environment(variables));
    assert.deepEqual([...request.sources], sources);
    assert.deepEqual(request.warnings, warnings);
  });
}

const everything: LogSource[] = [
  "wl-client",
  "wl-server",
  "proxy",
  "xwayland",
  "x11",
];

const planRows: [
  name: string,
  options: Partial<LoggingOptions>,
  stderr: LogSource[],
  ring: LogSource[],
  variables?: Environment,
][] = [
  ["without options only warnings are logged", {}, [], []],
  ["--verbose shows everything", { verbose: true }, everything, []],
  ["the environment shows a part", {}, ["wl-server"], [], {
    WAYLAND_DEBUG: "server",
  }],
  ["a ring takes everything", { ringPath: "/ring" }, [], everything],
  [
    "a ring takes the part that the environment names",
    { ringPath: "/ring" },
    [],
    ["wl-client"],
    { WAYLAND_DEBUG_PROXY: "client" },
  ],
  [
    "--verbose with a ring, as the original has it, shows nothing",
    { ringPath: "/ring", verbose: true },
    [],
    everything,
  ],
];

for (const [name, options, stderr, ring, variables = {}] of planRows) {
  Deno.test(name, () => {
    const plan = planLogging({
      proxyName: "wl-proxy",
      verbose: false,
      suppress: ["motion"],
      ringPath: null,
      ringSizeBytes: 1000,
      ...options,
    }, environment(variables));
    assert.deepEqual([...plan.stderrSources], stderr);
    assert.deepEqual([...plan.ringSources], ring);
    assert.deepEqual(
      plan.ring,
      ring.length === 0 ? null : { path: "/ring", sizeBytes: 1000 },
    );
    assert.deepEqual(plan.suppress, ["motion"]);
  });
}
