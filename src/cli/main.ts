/**
 * The command line: which program it is, what it has to do, and how it ends.
 */

import { Loop } from "../loop/loop.ts";
import { StartupError } from "../sockets/startup_error.ts";
import { kernelSystem } from "../virtgpu/find/mod.ts";
import { UsageError } from "./cli_error.ts";
import { completionScript } from "./completions.ts";
import { examine } from "../programs/doctor/mod.ts";
import { reportText } from "./doctor_text.ts";
import {
  EXIT_FAILED,
  EXIT_INTERNAL,
  EXIT_OK,
  EXIT_USAGE,
} from "../programs/exit_status.ts";
import { globalNames } from "./global_names.ts";
import {
  helpText,
  plainStyle,
  type Style,
  terminalStyle,
  usageOf,
} from "./help.ts";
import type { HelpFormat, HelpTopic, Invocation } from "./invocation.ts";
import { manualPage } from "./manual_page.ts";
import { checkGlobalNames } from "./option_values.ts";
import { page } from "./pager.ts";
import { parseDropIn, parseWayferry } from "./parser.ts";
import { type Personality, personalityOf } from "./personality.ts";
import { type ProxyOptions, run } from "../programs/proxy/mod.ts";
import { writeError, writeOutput } from "./standard_streams.ts";
import { version } from "./version.ts";

/**
 * How long a compositor may take to answer; in a slow machine one that has much
 * to do takes seconds.
 */
const DOCTOR_TIMEOUT_MS = 10_000;

/**
 * Runs the program to its end, and sets the exit status of the process.
 *
 * @param argv0 the name that it was called by
 */
export function main(argv0: string, args: readonly string[]): void {
  const personality = personalityOf(argv0);
  try {
    const invocation = personality === "wayferry"
      ? parseWayferry(args)
      : parseDropIn(args);
    Deno.exitCode = perform(invocation, personality);
  } catch (error) {
    Deno.exitCode = report(error, personality);
  }
}

function perform(invocation: Invocation, personality: Personality): number {
  switch (invocation.kind) {
    case "proxy":
      return proxy(invocation.options, personality);
    case "doctor":
      return doctor();
    case "help":
      showHelp(invocation.topic, invocation.format);
      return EXIT_OK;
    case "completions":
      writeOutput(completionScript(invocation.shell, globalNames()));
      return EXIT_OK;
    case "version":
      writeOutput(`wayferry ${version}\n`);
      return EXIT_OK;
  }
}

function proxy(options: ProxyOptions, personality: Personality): number {
  if (options.allow.length + options.deny.length > 0) {
    const known = globalNames();
    checkGlobalNames("--allow", options.allow, known);
    checkGlobalNames("--deny", options.deny, known);
  }
  if (options.xDisplay !== undefined) {
    throw new StartupError(
      "--x-display: X11 is not supported in this version, which serves Wayland applications only.",
    );
  }
  return run(
    options,
    personality === "wayferry"
      ? { proxyName: "wayferry", defaultDisplay: "first free" }
      : { proxyName: "wl-proxy", defaultDisplay: "wayland-1" },
    Deno.env,
  );
}

function doctor(): number {
  using loop = new Loop();
  const report = examine({
    loop,
    environment: Deno.env,
    kernelRelease: Deno.osRelease(),
    devices: kernelSystem(),
    patienceMilliseconds: DOCTOR_TIMEOUT_MS,
  });
  writeOutput(reportText(report, outputStyle()));
  return report.verdict === "not at all" ? EXIT_FAILED : EXIT_OK;
}

function outputStyle(): Style {
  return Deno.noColor || !Deno.stdout.isTerminal() ? plainStyle : terminalStyle;
}

function showHelp(topic: HelpTopic, format: HelpFormat): void {
  switch (format) {
    case "plain":
      writeOutput(helpText(topic, outputStyle()));
      return;
    case "pager":
      page(helpText(topic, plainStyle));
      return;
    case "groff":
      writeOutput(
        manualPage(topic === "wayland-proxy-virtwl" ? topic : "wayferry proxy"),
      );
      return;
  }
}

/** Tells the user, and returns the status. */
function report(error: unknown, personality: Personality): number {
  if (error instanceof UsageError) {
    const topic = error.topic ??
      (personality === "wayferry" ? "wayferry proxy" : personality);
    const usage = `Usage: ${usageOf(topic)}\n`;
    writeError(
      personality === "wayferry"
        ? `wayferry: ${error.message}\n${usage}Try '${topic} --help' for more.\n`
        : `${usage}${personality}: ${error.message}\n`,
    );
    return EXIT_USAGE;
  }
  if (error instanceof StartupError) {
    writeError(`${personality}: ${error.message}\n`);
    return EXIT_FAILED;
  }
  const text = error instanceof Error
    ? error.stack ?? error.message
    : String(error);
  writeError(`${personality}: internal error, uncaught exception:\n${text}\n`);
  return EXIT_INTERNAL;
}
