/** A running proxy whose device is emulated. */
import { PATH } from "../../support/packages.ts";
import { TestProcess } from "../../support/process.ts";
import { makeScratch } from "../../support/scratch.ts";
import { eventually, whenReady } from "../../support/wait.ts";
import type { Fences, Rutabaga } from "../../emulator/host_profile.ts";
import type { Census } from "../../emulator/machine.ts";

/** What the program tells of itself. */
export interface ProxyReport {
  readonly census: Census;
  readonly log: readonly string[];
  readonly violations: readonly string[];
  readonly stalls: number;
  readonly clients: number;
  /** SENDs of each connection so far. */
  readonly sends: readonly number[];
  /** Bytes that were read from clients' files so far. */
  readonly copiedBytes: number;
  /** Whether the host takes memory of the guest. */
  readonly guestMemory: string;
  /** What was said to the log as a warning. */
  readonly ends: readonly string[];
}

export class EmulatedProxy implements AsyncDisposable {
  /** The absolute path of the socket for applications. */
  readonly waylandDisplay: string;
  readonly process: TestProcess;
  readonly #resources: AsyncDisposableStack;

  constructor(
    waylandDisplay: string,
    process: TestProcess,
    resources: AsyncDisposableStack,
  ) {
    this.waylandDisplay = waylandDisplay;
    this.process = process;
    this.#resources = resources;
  }

  /** Starts a program as a client, whose files are in a folder. */
  start(argv: readonly string[], folder: string, name: string): TestProcess {
    return new TestProcess(argv, {
      logPath: `${folder}/${name}.log`,
      environment: {
        PATH,
        XDG_RUNTIME_DIR: folder,
        WAYLAND_DISPLAY: this.waylandDisplay,
      },
    });
  }

  async report(): Promise<ProxyReport> {
    using connection = await Deno.connect({
      transport: "unix",
      path: `${this.waylandDisplay}.report`,
    });
    return await new Response(connection.readable).json();
  }

  /**
   * Waits until all clients have ended: some hosts tell a proxy nothing, and it
   * finds out after 30 s.
   */
  async idle(): Promise<ProxyReport> {
    return await eventually("the proxy's clients end", 60_000, async () => {
      const report = await this.report();
      return report.clients === 0 && report.census.contexts === 0
        ? report
        : undefined;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

export async function startEmulatedProxy(
  compositor: string,
  rutabaga: Rutabaga,
  fences: Fences,
  guestHandles: "none" | "taken" = "none",
): Promise<EmulatedProxy> {
  await using resources = new AsyncDisposableStack();
  const runtime = resources.use(makeScratch("emulated")).path;
  const socket = `${runtime}/wayland-0`;
  const program = new URL("proxy_program.ts", import.meta.url).pathname;
  const process = resources.use(
    new TestProcess([
      Deno.execPath(),
      "run",
      "-A",
      "--no-check",
      program,
      socket,
      compositor,
      rutabaga,
      fences,
      guestHandles,
    ], {
      logPath: `${runtime}/proxy.log`,
      environment: {
        PATH,
        HOME: runtime,
        DENO_DIR: Deno.env.get("DENO_DIR") ?? `${runtime}/deno`,
      },
    }),
  );
  const proxy = new EmulatedProxy(socket, process, resources.move());
  return await whenReady(
    proxy,
    () =>
      eventually("the proxy listens", 20_000, async () => {
        process.requireRunning();
        try {
          return await proxy.report();
        } catch (error) {
          if (
            error instanceof Deno.errors.NotFound ||
            error instanceof Deno.errors.ConnectionRefused
          ) return undefined;
          throw error;
        }
      }),
  );
}
