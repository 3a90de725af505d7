/**
 * What is logged, and where to: from option values and the environment, with
 * wayland-proxy-virtwl's rules.
 */

import { type LogSource, logSources, type ProxyName } from "./level.ts";
import type { SuppressClass } from "./suppress.ts";

/** The value of `--log-ring-size` where it is not given. */
export const DEFAULT_RING_BYTES = 524_288;
/** More than this is refused: the ring is real memory. */
export const MAX_RING_BYTES = 1_073_741_824;

/** What the command line says about logging. */
export interface LoggingOptions {
  readonly proxyName: ProxyName;
  readonly verbose: boolean;
  readonly suppress: readonly SuppressClass[];
  readonly ringPath: string | null;
  readonly ringSizeBytes: number;
}

/**
 * What is logged, and where to. Errors and warnings always go to the standard
 * error output, and into the ring.
 */
export interface LoggingPlan {
  /** What lines of the proxy itself are called. */
  readonly proxyName: ProxyName;
  /**
   * Whose info lines, and for wl-client and wl-server whose messages, go to the
   * standard error output.
   */
  readonly stderrSources: ReadonlySet<LogSource>;
  /** The same for the ring; empty without one. */
  readonly ringSources: ReadonlySet<LogSource>;
  readonly suppress: readonly SuppressClass[];
  readonly ring: { readonly path: string; readonly sizeBytes: number } | null;
  /** To be logged as soon as there is a log. */
  readonly warnings: readonly string[];
}

/** What `WAYLAND_DEBUG_PROXY`, or else `WAYLAND_DEBUG`, asks for. */
export interface DebugRequest {
  readonly sources: ReadonlySet<LogSource>;
  readonly warnings: readonly string[];
}

/**
 * `1` is `client,server`. Items that are unknown give a warning: other programs
 * read WAYLAND_DEBUG, too.
 */
export function parseDebugEnvironment(
  environment: Pick<Deno.Env, "get">,
): DebugRequest {
  const own = environment.get("WAYLAND_DEBUG_PROXY");
  const variable = own === undefined ? "WAYLAND_DEBUG" : "WAYLAND_DEBUG_PROXY";
  const value = own ?? environment.get("WAYLAND_DEBUG") ?? "";
  const sources = new Set<LogSource>();
  const warnings: string[] = [];
  for (const item of value === "1" ? ["client", "server"] : value.split(",")) {
    switch (item) {
      case "client":
        sources.add("wl-client");
        break;
      case "server":
        sources.add("wl-server");
        break;
      case "xwayland":
        sources.add("xwayland").add("x11");
        break;
      case "":
        break;
      default:
        warnings.push(
          `Unknown $${variable} item ${
            JSON.stringify(item)
          }: expected client, server or xwayland`,
        );
    }
  }
  return { sources, warnings };
}

/**
 * Decides what is logged where. A ring takes everything that would otherwise be
 * shown, as the original has it, and everything at all where nothing in
 * particular was asked for.
 */
export function planLogging(
  options: LoggingOptions,
  environment: Pick<Deno.Env, "get">,
): LoggingPlan {
  const { sources, warnings } = parseDebugEnvironment(environment);
  const everything = new Set(logSources);
  const asked = options.verbose ? everything : sources;
  const { proxyName, suppress } = options;
  const plan = { proxyName, suppress, warnings };
  if (options.ringPath === null) {
    return {
      ...plan,
      stderrSources: asked,
      ringSources: new Set(),
      ring: null,
    };
  }
  return {
    ...plan,
    stderrSources: new Set(),
    ringSources: asked.size === 0 ? everything : asked,
    ring: { path: options.ringPath, sizeBytes: options.ringSizeBytes },
  };
}
