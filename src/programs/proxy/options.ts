/**
 * What the command line asked of the proxy, checked and typed.
 */

import type { SuppressClass } from "../../log/suppress.ts";

/** The options and the sub-command; see option_table.ts for what each means. */
export interface ProxyOptions {
  readonly virtioGpu: boolean;
  /** Undefined where the option was not given. */
  readonly waylandDisplay: string | undefined;
  readonly xDisplay: number | undefined;
  readonly xwaylandBinary: string;
  readonly xrdb: readonly string[];
  readonly xUnscale: number;
  readonly tag: string;
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  readonly verbose: boolean;
  readonly logSuppress: readonly SuppressClass[];
  readonly logRingPath: string | undefined;
  readonly logRingSizeBytes: number;
  /**
   * The sub-command and its arguments; empty where there is none, and the proxy
   * then runs until a signal ends it.
   */
  readonly command: readonly string[];
}
