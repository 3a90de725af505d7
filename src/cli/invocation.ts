/**
 * What a command line can ask for.
 */

import type { ProxyOptions } from "../programs/proxy/mod.ts";

/** The shells for which there are completions. */
export const shells = ["bash", "zsh", "fish"] as const;

/** A shell for which there are completions. */
export type Shell = typeof shells[number];

/**
 * The topics of the help: the two programs, and the commands of our own one.
 */
export type HelpTopic =
  | "wayland-proxy-virtwl"
  | "wayferry"
  | "wayferry proxy"
  | "wayferry doctor"
  | "wayferry completions";

/**
 * How help is shown: "pager" pages it, "groff" is the source of the manual
 * page.
 */
export type HelpFormat = "plain" | "pager" | "groff";

/** A parsed command line. */
export type Invocation =
  | { readonly kind: "proxy"; readonly options: ProxyOptions }
  | { readonly kind: "doctor" }
  | { readonly kind: "completions"; readonly shell: Shell }
  | {
    readonly kind: "help";
    readonly topic: HelpTopic;
    readonly format: HelpFormat;
  }
  | { readonly kind: "version" };
