/**
 * The compiled proxy executable, between a host compositor and the applications
 * of a test.
 */
import { SyscallError } from "../../ffi/error.ts";
import assert from "node:assert/strict";
import { PATH } from "./packages.ts";
import { runCommand, TestProcess } from "./process.ts";
import { makeScratch } from "./scratch.ts";
import { eventually } from "./wait.ts";
import { WaylandConnection } from "./wayland_connection.ts";

const PROJECT = new URL("../../", import.meta.url).pathname;

/** The name by which the executable is a drop-in replacement. */
const EXECUTABLE = `${PROJECT}dist/wayland-proxy-virtwl`;

/**
 * What goes into the executable: files, and folders with all that is in them.
 */
const SOURCES = ["deno.json", "main.ts", "src", "ffi", "protocols", "scripts"];

let compiled: Promise<void> | undefined;

/**
 * The path of the executable: that in `WAYFERRY_EXECUTABLE`, or else the
 * project's own, after compiling it where it is missing or older than its
 * sources.
 */
export async function requireExecutable(): Promise<string> {
  const given = Deno.env.get("WAYFERRY_EXECUTABLE");
  if (given !== undefined) return given;
  compiled ??= compileWhenStale();
  await compiled;
  return EXECUTABLE;
}

async function compileWhenStale(): Promise<void> {
  const built = modificationTime(EXECUTABLE);
  if (
    built !== undefined &&
    SOURCES.every((source) => newestIn(`${PROJECT}${source}`) <= built)
  ) return;
  await runCommand(["sh", `${PROJECT}scripts/compile`]);
}

function modificationTime(path: string): number | undefined {
  try {
    return Deno.statSync(path).mtime?.getTime();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function newestIn(path: string): number {
  let newest = modificationTime(path) ?? 0;
  if (newest === 0 || !Deno.statSync(path).isDirectory) return newest;
  for (const entry of Deno.readDirSync(path)) {
    newest = Math.max(newest, newestIn(`${path}/${entry.name}`));
  }
  return newest;
}

/**
 * A running proxy, and what it must leave behind: no open file descriptor of a
 * client that has gone, no error, no socket.
 */
export class ApplicationProxy implements AsyncDisposable {
  /** The absolute path of the socket for applications. */
  readonly waylandDisplay: string;
  readonly process: TestProcess;
  readonly #idleFds: readonly string[];
  readonly #resources: AsyncDisposableStack;

  constructor(
    socket: string,
    process: TestProcess,
    idleFds: readonly string[],
    resources: AsyncDisposableStack,
  ) {
    this.waylandDisplay = socket;
    this.process = process;
    this.#idleFds = idleFds;
    this.#resources = resources;
  }

  /**
   * Fails unless the proxy has, within a few seconds, as many file descriptors
   * open as before its first client.
   */
  async requireNoLeakedFds(): Promise<void> {
    await eventually(
      "the proxy closes what its clients had open",
      20_000,
      () => {
        this.process.requireRunning();
        return openFds(this.process.pid).length === this.#idleFds.length
          ? true
          : undefined;
      },
    ).catch((error) => {
      assert.deepEqual(openFds(this.process.pid), this.#idleFds);
      throw error;
    });
  }

  /**
   * Ends the proxy as its user would, and fails unless it ends well, silently,
   * and takes its socket along.
   */
  async finish(): Promise<void> {
    this.process.signal("SIGTERM");
    assert.equal(
      await this.process.end(20_000),
      0,
      `status of the proxy, whose log is\n${this.process.log()}`,
    );
    const complaints = this.process.log().split("\n").filter((line) =>
      /\bERROR\b|\bUncaught\b|panicked/i.test(line)
    );
    assert.deepEqual(complaints, [], "errors in the proxy's log");
    assert.equal(
      modificationTime(this.waylandDisplay),
      undefined,
      "the proxy has left its socket behind",
    );
  }

  /**
   * What a failed test says of the proxy: where its log, kept for that, is to
   * be found, and how the log ends.
   */
  describe(): string {
    const kept = Deno.makeTempFileSync({
      prefix: "wayferry-proxy-",
      suffix: ".log",
    });
    const log = this.process.log();
    Deno.writeTextFileSync(kept, log);
    const state = this.process.ending === undefined
      ? "runs"
      : `ended with ${this.process.ending}`;
    return `the proxy ${state}; its log is kept in ${kept} and ends:\n${
      log.slice(-2000)
    }`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/**
 * Starts the proxy as a server between `hostDisplay`, the absolute path of a
 * compositor's socket, and applications.
 *
 * With `WAYFERRY_APPLICATIONS_VERBOSE` in the environment it logs every
 * message.
 */
export async function startProxy(
  hostDisplay: string,
  options: readonly string[] = [],
): Promise<ApplicationProxy> {
  const executable = await requireExecutable();
  await using resources = new AsyncDisposableStack();
  const runtime = resources.use(makeScratch("proxy")).path;
  const socket = `${runtime}/wayland-0`;
  const verbose = Deno.env.has("WAYFERRY_APPLICATIONS_VERBOSE");
  const process = resources.use(
    new TestProcess([
      executable,
      `--wayland-display=${socket}`,
      ...(verbose ? ["--verbose"] : []),
      ...options,
    ], {
      logPath: `${runtime}/proxy.log`,
      environment: {
        PATH,
        HOME: runtime,
        XDG_RUNTIME_DIR: runtime,
        WAYLAND_DISPLAY: hostDisplay,
        ...(verbose ? { WAYLAND_DEBUG_PROXY: "1" } : {}),
      },
    }),
  );
  // Counted once it has served a client, since some things are opened only
  // then.
  const busy = await eventually("the proxy listens", 10_000, async () => {
    process.requireRunning();
    try {
      return await openAndCount(socket, process.pid);
    } catch (error) {
      // The socket is there a moment before it listens.
      if (error instanceof SyscallError && notYet.has(error.code)) {
        return undefined;
      }
      throw error;
    }
  });
  const idle = await eventually(
    "the proxy closes its first client's descriptors",
    20_000,
    () => {
      const open = openFds(process.pid);
      return open.length <= busy - 2 ? open : undefined;
    },
  );
  return new ApplicationProxy(
    socket,
    process,
    idle,
    resources.move(),
  );
}

const notYet: ReadonlySet<string> = new Set(["ENOENT", "ECONNREFUSED"]);

/** How many file descriptors a proxy has open while a client is connected. */
async function openAndCount(socket: string, pid: number): Promise<number> {
  using _client = await WaylandConnection.open(socket);
  return openFds(pid).length;
}

/** What each open file descriptor of a process refers to, sorted. */
export function openFds(pid: number): string[] {
  const targets: string[] = [];
  for (const entry of Deno.readDirSync(`/proc/${pid}/fd`)) {
    try {
      targets.push(
        Deno.readLinkSync(`/proc/${pid}/fd/${entry.name}`).replace(
          /\[\d+\]/,
          "",
        ),
      );
    } catch {
      // Closed while we looked.
    }
  }
  return targets.sort();
}
