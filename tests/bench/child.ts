// Processes that the benchmark starts: pinned to one processor, spoken to in
// lines, ended by their pid.

import { LineReader } from "../support/lines.ts";

/** A process did not do what the benchmark needs of it. */
export class BenchError extends Error {
  override readonly name = "BenchError";
}

export interface Launch {
  readonly words: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Where its standard error goes: to ours, or to /dev/null. */
  readonly stderr: "inherit" | "null";
}

const running = new Set<Child>();

/** Kills all that still run, for a benchmark that is interrupted. */
export function killAll(): void {
  for (const child of running) child.signal("SIGKILL");
}

/**
 * A running process whose standard input stays open for as long as it is
 * wanted: our own programs end when it ends, so none outlives a benchmark that
 * was killed.
 */
export class Child implements AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: LineReader;
  #ended = false;

  constructor(name: string, process: Deno.ChildProcess) {
    this.name = name;
    this.pid = process.pid;
    this.#process = process;
    this.#input = process.stdin.getWriter();
    this.#output = new LineReader(process.stdout);
    running.add(this);
    process.status.then(() => {
      this.#ended = true;
      running.delete(this);
    });
  }

  /**
   * Starts the words on the processor `cpu`, before all other processes where
   * we may say so.
   */
  static start(launch: Launch, cpu: number): Child {
    const priority = Deno.uid() === 0 ? ["nice", "-n", "-20"] : [];
    const [program = "taskset", ...args] = [
      "taskset",
      "-c",
      String(cpu),
      ...priority,
      ...launch.words,
    ];
    const process = new Deno.Command(program, {
      args,
      env: { ...launch.environment },
      stdin: "piped",
      stdout: "piped",
      stderr: launch.stderr,
    }).spawn();
    return new Child(launch.words.slice(0, 2).join(" "), process);
  }

  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Its "name value" lines up to the one called `last`, or all.
   *
   * @throws {BenchError} when it ends before `last`
   */
  async values(last?: string): Promise<Map<string, number>> {
    const values = new Map<string, number>();
    for (;;) {
      const line = await this.#output.next();
      if (line === null) {
        if (last === undefined) return values;
        throw new BenchError(`${this.name} ended before it said "${last}"`);
      }
      const [name = "", value] = line.split(" ");
      values.set(name, Number(value));
      if (name === last) return values;
    }
  }

  async write(text: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(text));
  }

  signal(name: Deno.Signal): void {
    if (!this.#ended) this.#process.kill(name);
  }

  /** Ends its standard input. */
  async endInput(): Promise<void> {
    try {
      await this.#input.close();
    } catch (error) {
      // It ended first, or the input was ended before.
      if (
        !(error instanceof TypeError || error instanceof Deno.errors.BrokenPipe)
      ) throw error;
    }
  }

  async status(): Promise<Deno.CommandStatus> {
    return await this.#process.status;
  }

  /** Ends it: its input, then SIGTERM, and SIGKILL after three seconds. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGCONT");
    await this.endInput();
    this.signal("SIGTERM");
    const timer = setTimeout(() => this.signal("SIGKILL"), 3000);
    await this.#process.status;
    clearTimeout(timer);
    await this.#output.cancel();
  }
}
