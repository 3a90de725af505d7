/**
 * The proxy as a whole: what it consists of, in the order in which one thing
 * needs another, and one loop.
 */

import { raiseFdLimit } from "../../../ffi/process.ts";
import {
  ControlPipeError,
  controlPipePath,
  openControlPipe,
} from "../../log/control_pipe.ts";
import { Log } from "../../log/log.ts";
import type { ProxyName } from "../../log/level.ts";
import { planLogging } from "../../log/options.ts";
import { IdleHeap } from "./idle_heap.ts";
import { Loop } from "../../loop/loop.ts";
import { watchSignals } from "../../loop/signals.ts";
import { Policy } from "../../policy/policy.ts";
import { standardFeatures } from "../../relay/features/standard.ts";
import { relayFeatures } from "../../relay/relay.ts";
import { Acceptor } from "../../sockets/acceptor.ts";
import {
  applicationEnvironment,
  describeExit,
  runApplication,
} from "./child_command.ts";
import { type DisplayRequest, openDisplay } from "../../sockets/display.ts";
import type { Environment } from "../../sockets/environment.ts";
import { Clients } from "./clients.ts";
import { type Host, localHost, virtioGpuHost } from "./host.ts";
import { EXIT_INTERNAL, EXIT_OK } from "../exit_status.ts";
import type { ProxyOptions } from "./options.ts";

/** The environment of the process. */
export interface ProcessEnvironment extends Environment {
  toObject(): Readonly<Record<string, string>>;
}

/** What differs between the two names of the program. */
export interface ProgramTraits {
  /** What the log calls the proxy itself. */
  readonly proxyName: ProxyName;
  /** The display that is served where the options name none. */
  readonly defaultDisplay: DisplayRequest["otherwise"];
}

/**
 * Descriptors that one client may need at once: two connections, and those that
 * are on their way.
 */
const FDS_PER_CLIENT = 8;
/**
 * No desktop has as many clients; a program that connects again and again
 * without end is stopped here.
 */
const MAX_CLIENTS = 4096;
/**
 * Turns of the loop, without waiting, in which what a command did last may
 * still reach the host.
 */
const LAST_TURNS = 64;

/**
 * Runs the proxy until its command ends or a signal comes.
 *
 * @returns the exit status
 * @throws {StartupError} where it cannot run
 */
export function run(
  options: ProxyOptions,
  { proxyName, defaultDisplay }: ProgramTraits,
  environment: ProcessEnvironment,
): number {
  using log = new Log(planLogging({
    proxyName,
    verbose: options.verbose,
    suppress: options.logSuppress,
    ringPath: options.logRingPath ?? null,
    ringSizeBytes: options.logRingSizeBytes,
  }, environment));
  using loop = new Loop();
  using _logging = log.attach(loop);
  using display = openDisplay(
    {
      display: options.waylandDisplay,
      otherwise: defaultDisplay,
      host: options.virtioGpu ? "elsewhere" : "at WAYLAND_DISPLAY",
      servesX: options.xDisplay !== undefined,
    },
    environment,
    Deno.pid,
  );
  log.info(
    "proxy",
    `Listening on ${JSON.stringify(display.path)} for Wayland clients`,
  );
  using _pipe = log.ring === null
    ? null
    : controlPipe(display.display, environment, loop, log);
  using _signals = watchSignals(
    loop,
    ["SIGINT", "SIGTERM", "SIGHUP"],
    ({ name }) => {
      log.info("proxy", `Stopping because of ${name}`);
      loop.stop();
    },
  );
  using memory = new IdleHeap(loop);
  const policy = new Policy({ allow: options.allow, deny: options.deny });
  const features = relayFeatures(standardFeatures({ tag: options.tag }));
  using host: Host = options.virtioGpu
    ? virtioGpuHost(loop, log)
    : localHost(loop, environment);
  using clients = new Clients({
    log,
    relay: { loop, policy, features, memory },
    host,
  });
  using acceptor = new Acceptor({
    loop,
    listener: display.fd,
    clientLimit: Math.min(
      MAX_CLIENTS,
      host.clientLimit,
      Math.floor(raiseFdLimit() / FDS_PER_CLIENT),
    ),
    onConnection: (fd, credentials) =>
      clients.connect(fd, credentials, () => acceptor.connectionEnded()),
    onPause: (reason) =>
      log.warning("proxy", `New clients have to wait: ${reason}`),
  });
  using _application = options.command.length === 0 ? null : runApplication(
    loop,
    options.command,
    applicationEnvironment(environment.toObject(), display.display),
    (exit) => {
      log.info("proxy", `Application process ended (${describeExit(exit)})`);
      loop.stop();
    },
  );
  try {
    loop.run();
    for (let turn = 0; turn < LAST_TURNS && loop.turn(0) > 0; turn++);
  } catch (error) {
    const text = error instanceof Error
      ? error.stack ?? error.message
      : String(error);
    log.error("proxy", `Internal error: ${text}`);
    return EXIT_INTERNAL;
  }
  log.flushRing();
  return EXIT_OK;
}

/**
 * The pipe that asks for the log's ring, or null where it cannot be made: a
 * proxy without it is of use, too.
 */
function controlPipe(
  display: string,
  environment: Environment,
  loop: Loop,
  log: Log,
): Disposable | null {
  const directory = environment.get("XDG_RUNTIME_DIR") ||
    `/run/user/${Deno.uid()}`;
  try {
    return openControlPipe(controlPipePath(display, directory), loop, log);
  } catch (error) {
    if (!(error instanceof ControlPipeError)) throw error;
    log.warning("proxy", error.message);
    return null;
  }
}
