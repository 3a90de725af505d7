/**
 * Child processes of the application tests: their output goes to a file, they
 * lead a session of their own, and they are ended with everything that they
 * started.
 *
 * The output is a file rather than a pipe because browsers leave helpers behind
 * that keep a pipe open.
 */
import { readIfPresent } from "./files.ts";
import { eventually, waitAtMost } from "./wait.ts";

export interface ProcessOptions {
  /** The whole environment; nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  /** The file that takes standard output and standard error. */
  readonly logPath: string;
  readonly workingDirectory?: string;
}

/**
 * How a process ended: an exit status, or the name of the signal that ended it.
 */
export type Ending = number | string;

/**
 * A child process and all that it starts. Disposing of it ends the whole
 * process group.
 */
export class TestProcess implements AsyncDisposable {
  readonly argv: readonly string[];
  readonly logPath: string;
  readonly ended: Promise<Ending>;
  readonly #child: Deno.ChildProcess;
  #ending: Ending | undefined;

  constructor(argv: readonly string[], options: ProcessOptions) {
    this.argv = argv;
    this.logPath = options.logPath;
    // `setsid` replaces the shell, and the program replaces `setsid`: the
    // child's pid is the program's.
    this.#child = new Deno.Command("sh", {
      args: [
        "-c",
        'log=$1; shift; exec setsid -- "$@" >"$log" 2>&1',
        "sh",
        options.logPath,
        ...argv,
      ],
      env: options.environment,
      clearEnv: true,
      stdin: "null",
      ...(options.workingDirectory === undefined
        ? {}
        : { cwd: options.workingDirectory }),
    }).spawn();
    this.ended = this.#child.status.then((status) => {
      this.#ending = status.signal ?? status.code;
      return this.#ending;
    });
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** How the process ended, or `undefined` while it runs. */
  get ending(): Ending | undefined {
    return this.#ending;
  }

  /** What the process has written so far. */
  log(): string {
    return readIfPresent(this.logPath) ?? "";
  }

  /** Sends a signal to the process itself, if it still runs. */
  signal(signal: Deno.Signal): void {
    if (this.#ending === undefined) sendSignal(this.pid, signal);
  }

  /**
   * Waits for the end of the process.
   *
   * @throws when it still runs after `timeoutMs`
   */
  async end(timeoutMs: number): Promise<Ending> {
    const ending = await waitAtMost(this.ended, timeoutMs);
    if (ending === undefined) {
      throw new Error(
        `${
          this.argv.join(" ")
        } still runs ${timeoutMs} ms after it should have ended:\n${this.log()}`,
      );
    }
    return ending;
  }

  /**
   * Fails with the process's output when it has ended although it should run.
   */
  requireRunning(): void {
    if (this.#ending !== undefined) {
      throw new Error(
        `${this.argv.join(" ")} ended with ${this.#ending}:\n${this.log()}`,
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      if (!sendSignal(-this.pid, signal)) break;
      if (await waitAtMost(groupEnd(this.pid), 2000) !== undefined) break;
    }
    await this.ended;
  }
}

/** Sends a signal; false when there is nobody left to take it. */
function sendSignal(pid: number, signal: Deno.Signal): boolean {
  try {
    Deno.kill(pid, signal);
    return true;
  } catch (error) {
    if (
      error instanceof Deno.errors.NotFound ||
      (error instanceof TypeError && /ESRCH|No such/.test(error.message))
    ) {
      return false;
    }
    throw error;
  }
}

/** Resolves when no process of the group is left. */
async function groupEnd(group: number): Promise<true> {
  await eventually(
    `process group ${group} ends`,
    10_000,
    () => groupMembers(group) === 0 ? true : undefined,
  );
  return true;
}

function groupMembers(group: number): number {
  let count = 0;
  for (const entry of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(entry.name)) continue;
    try {
      const stat = Deno.readTextFileSync(`/proc/${entry.name}/stat`);
      // After the name in parentheses: state, parent, process group.
      const [state, , processGroup] = stat.slice(stat.lastIndexOf(")") + 2)
        .split(" ");
      if (Number(processGroup) === group && state !== "Z") count++;
    } catch {
      // The process ended while we looked.
    }
  }
  return count;
}

/** What a command that ran to its end printed. */
export interface CommandOutput {
  readonly stdout: Uint8Array<ArrayBuffer>;
  readonly text: string;
}

/**
 * Runs a command to its end.
 *
 * @throws with its error output when its status is not 0
 */
export async function runCommand(
  argv: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<CommandOutput> {
  const [program, ...args] = argv;
  if (program === undefined) {
    throw new TypeError("Cannot run a command: it is empty");
  }
  const output = await new Deno.Command(program, {
    args,
    env: environment,
    stdin: "null",
  }).output();
  const text = new TextDecoder().decode(output.stdout);
  if (!output.success) {
    const errors = new TextDecoder().decode(output.stderr);
    throw new Error(
      `${argv.join(" ")} ended with ${
        output.signal ?? output.code
      }:\n${text}${errors}`,
    );
  }
  return { stdout: output.stdout, text };
}
