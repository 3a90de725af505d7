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

const debugRows: {
  variables: Environment;
  sources: LogSource[];
  warnings?: string[];
}[] = [
  { variables: {}, sources: [] },
  { variables: { WAYLAND_DEBUG: "" }, sources: [] },
  { variables: { WAYLAND_DEBUG: "1" }, sources: ["wl-client", "wl-server"] },
  { variables: { WAYLAND_DEBUG: "client" }, sources: ["wl-client"] },
  { variables: { WAYLAND_DEBUG: "server," }, sources: ["wl-server"] },
  {
    variables: { WAYLAND_DEBUG_PROXY: "xwayland" },
    sources: ["xwayland", "x11"],
  },
  {
    variables: { WAYLAND_DEBUG_PROXY: "client,server,xwayland" },
    sources: ["wl-client", "wl-server", "xwayland", "x11"],
  },
  {
    // the proxy's own variable wins even where it is empty: WAYLAND_DEBUG is
    // for the children then
    variables: { WAYLAND_DEBUG_PROXY: "", WAYLAND_DEBUG: "1" },
    sources: [],
  },
  {
    variables: { WAYLAND_DEBUG_PROXY: "server", WAYLAND_DEBUG: "client" },
    sources: ["wl-server"],
  },
  {
    variables: { WAYLAND_DEBUG: "1,client" },
    sources: ["wl-client"],
    warnings: [
      'Unknown $WAYLAND_DEBUG item "1": expected client, server or xwayland',
    ],
  },
  {
    variables: { WAYLAND_DEBUG_PROXY: "Client, server" },
    sources: [],
    warnings: [
      'Unknown $WAYLAND_DEBUG_PROXY item "Client": expected client, server or xwayland',
      'Unknown $WAYLAND_DEBUG_PROXY item " server": expected client, server or xwayland',
    ],
  },
];

for (const { variables, sources, warnings = [] } of debugRows) {
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

const planRows: {
  name: string;
  options: Partial<LoggingOptions>;
  variables?: Environment;
  stderr: LogSource[];
  ring: LogSource[];
}[] = [
  {
    name: "without options only warnings are logged",
    options: {},
    stderr: [],
    ring: [],
  },
  {
    name: "--verbose shows everything",
    options: { verbose: true },
    stderr: everything,
    ring: [],
  },
  {
    name: "the environment shows a part",
    options: {},
    variables: { WAYLAND_DEBUG: "server" },
    stderr: ["wl-server"],
    ring: [],
  },
  {
    name: "a ring takes everything",
    options: { ringPath: "/ring" },
    stderr: [],
    ring: everything,
  },
  {
    name: "a ring takes the part that the environment names",
    options: { ringPath: "/ring" },
    variables: { WAYLAND_DEBUG_PROXY: "client" },
    stderr: [],
    ring: ["wl-client"],
  },
  {
    name: "--verbose with a ring, as the original has it, shows nothing",
    options: { ringPath: "/ring", verbose: true },
    stderr: [],
    ring: everything,
  },
];

for (const { name, options, variables = {}, stderr, ring } of planRows) {
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
