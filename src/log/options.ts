/**
 * What is logged, and where to: from option values and the environment, with wayland-proxy-virtwl's rules.
 */

import { type LogSource, logSources } from "./level.ts";
import { type SuppressClass, suppressClassNames } from "./suppress.ts";

/** The value of `--log-ring-size` where it is not given. */
export const DEFAULT_RING_BYTES = 524_288;
/** More than this is refused: the ring is real memory. */
export const MAXIMUM_RING_BYTES = 1_073_741_824;

/** What the command line says about logging. */
export interface LoggingOptions {
  readonly verbose: boolean;
  /**
   * Where lines go with both `verbose` and a ring. The original's `--verbose --log-ring-path=…` is "ring": the standard
   * error output stays quiet.
   */
  readonly verboseRing: "ring" | "ring and stderr";
  readonly suppress: readonly SuppressClass[];
  readonly ringPath: string | null;
  readonly ringSizeBytes: number;
}

/** What is logged, and where to. Errors and warnings always go to the standard error output, and into the ring. */
export interface LoggingPlan {
  /** Whose info lines, and for wl-client and wl-server whose messages, go to the standard error output. */
  readonly stderrSources: ReadonlySet<LogSource>;
  /** The same for the ring; empty without one. */
  readonly ringSources: ReadonlySet<LogSource>;
  readonly suppress: readonly SuppressClass[];
  readonly ring: { readonly path: string; readonly sizeBytes: number } | null;
  /** To be logged as soon as there is a log. */
  readonly warnings: readonly string[];
}

/** An option's value is wrong. The message is what the option parser shows behind the option's name. */
export class LogOptionError extends Error {
  override readonly name = "LogOptionError";
}

/**
 * A list of classes, separated by commas; empty elements count for nothing, an unambiguous beginning for its class.
 *
 * @throws {LogOptionError}
 */
export function parseSuppressClasses(text: string): SuppressClass[] {
  return text.split(",").filter((element) => element !== "").map((element) => {
    const found = suppressClassNames.filter((name) => name.startsWith(element));
    if (found[0] !== undefined && found.length === 1) return found[0];
    const problem = found.length === 0 ? "invalid value" : "ambiguous value";
    const names = (found.length === 0 ? suppressClassNames : found).map((
      name,
    ) => `'${name}'`);
    throw new LogOptionError(
      `invalid element in list ('${text}'): ${problem} '${element}', expected one of ${
        names.slice(0, -1).join(", ")
      } or ${names.at(-1)}`,
    );
  });
}

/**
 * The ring's size in bytes, decimal or with 0x, 0o or 0b in front. A very small one is valid, and made larger by the ring.
 *
 * @throws {LogOptionError}
 */
export function parseRingSize(text: string): number {
  if (!/^(\d+|0x[\da-f]+|0o[0-7]+|0b[01]+)$/i.test(text)) {
    throw new LogOptionError(
      `invalid value '${text}', expected a number of bytes`,
    );
  }
  const bytes = Number(text);
  if (bytes > MAXIMUM_RING_BYTES) {
    throw new LogOptionError(
      `invalid value '${text}', expected at most ${MAXIMUM_RING_BYTES} bytes`,
    );
  }
  return bytes;
}

/** What `WAYLAND_DEBUG_PROXY`, or else `WAYLAND_DEBUG`, asks for. */
export interface DebugRequest {
  readonly sources: ReadonlySet<LogSource>;
  readonly warnings: readonly string[];
}

/** `1` is `client,server`. Items that are unknown give a warning: other programs read WAYLAND_DEBUG, too. */
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
 * Decides what is logged where. A ring takes everything that would otherwise be shown, and everything at all where
 * nothing in particular was asked for.
 */
export function planLogging(
  options: LoggingOptions,
  environment: Pick<Deno.Env, "get">,
): LoggingPlan {
  const { sources, warnings } = parseDebugEnvironment(environment);
  const everything = new Set(logSources);
  const asked = options.verbose ? everything : sources;
  const plan = { suppress: options.suppress, warnings };
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
    stderrSources: options.verbose && options.verboseRing === "ring and stderr"
      ? everything
      : new Set(),
    ringSources: asked.size === 0 ? everything : asked,
    ring: { path: options.ringPath, sizeBytes: options.ringSizeBytes },
  };
}
