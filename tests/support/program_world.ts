/**
 * The program, run from its sources under either name, in an empty runtime
 * directory.
 */

import { isPresent } from "./files.ts";
import { isListening } from "./listening.ts";
import { TestProcess } from "./process.ts";
import { makeScratch } from "./scratch.ts";
import { eventually } from "./wait.ts";

const main = new URL("../../main.ts", import.meta.url).pathname;

/** The name that makes it take the original's place. */
export const DROP_IN = "wayland-proxy-virtwl";

/**
 * A script: `deno run main.ts` under another name; `$0` is the name, and the
 * arguments follow.
 */
export const run = `exec -a "$0" ${Deno.execPath()} run -A ${main} "$@"`;

/**
 * A command for a shell that tells what a child command finds in its
 * environment, and fails.
 */
export const tellsVariables =
  'echo "$WAYLAND_DISPLAY|${WAYLAND_SOCKET-unset}|${LISTEN_FDS-unset}|$HOME"; exit 7';

/**
 * Whether this machine has a GPU, of which the tests do not know what it can
 * do.
 */
export function hasGpu(): boolean {
  return isPresent("/dev/dri") && [...Deno.readDirSync("/dev/dri")].length > 0;
}

/** An empty runtime directory, and the program in it. */
export class ProgramWorld implements Disposable {
  readonly folder: string;
  readonly #resources = new DisposableStack();

  constructor() {
    this.folder = this.#resources.use(makeScratch("program")).path;
  }

  get files(): string[] {
    return [...Deno.readDirSync(this.folder)].map(({ name }) => name).sort();
  }

  environment(
    more: Readonly<Record<string, string>> = {},
  ): Record<string, string> {
    return {
      PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin",
      HOME: Deno.env.get("HOME") ?? "/",
      NO_COLOR: "1",
      XDG_RUNTIME_DIR: this.folder,
      WAYLAND_DISPLAY: "wayland-0",
      ...more,
    };
  }

  /** Runs the program to its end. `script` starts it: `run` by default. */
  async call(
    name: string,
    args: readonly string[],
    { script = run, more = {} }: {
      script?: string;
      more?: Record<string, string>;
    } = {},
  ): Promise<{ code: number; stdout: string; stderr: string }> {
    const { code, stdout, stderr } = await new Deno.Command("bash", {
      args: ["-c", script, name, ...args],
      env: this.environment(more),
      clearEnv: true,
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    return {
      code,
      stdout: decoder.decode(stdout),
      stderr: decoder.decode(stderr),
    };
  }

  /**
   * Starts the program, and waits for a file of its making; a socket is waited
   * for until it listens.
   */
  async serve(
    name: string,
    args: readonly string[],
    file: string,
  ): Promise<TestProcess> {
    const logs = this.#resources.use(makeScratch("program-log"));
    const process = new TestProcess(["bash", "-c", run, name, ...args], {
      environment: this.environment(),
      logPath: `${logs.path}/log`,
    });
    await eventually(`the proxy makes ${file}`, 20_000, () => {
      process.requireRunning();
      return this.#isReady(file) ? true : undefined;
    });
    return process;
  }

  /** What a client is told at a socket before the connection is closed. */
  async lastWords(socket: string): Promise<string> {
    using connection = await Deno.connect({
      transport: "unix",
      path: `${this.folder}/${socket}`,
    });
    return await new Response(connection.readable).text();
  }

  #isReady(file: string): boolean {
    if (!this.files.includes(file)) return false;
    const path = `${this.folder}/${file}`;
    return !Deno.statSync(path).isSocket || isListening(path);
  }

  [Symbol.dispose](): void {
    this.#resources.dispose();
  }
}
