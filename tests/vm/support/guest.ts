/**
 * Virtual machines whose virtio-gpu leads to a compositor of this machine.
 *
 * A driver boots them, which `WAYFERRY_VM` names by its path. Its verbs are `start NAME`, `exec NAME -- COMMAND` and `stop NAME`;
 * its options `--socket` (the compositor's), `--share` (a folder, /share in the guest), `--rutabaga` (the release of the host's
 * engine), `--fences` (`stock` or `fixed`) and `--timeout`. The guest sees this machine's files but for /tmp.
 */
import type { Fences, Rutabaga } from "../../emulator/host_profile.ts";
import { TestProcess } from "../../support/process.ts";
import { makeScratch } from "../../support/scratch.ts";

/** The path of the driver, or undefined where there is none. */
export const driver: string | undefined = findDriver();

/** What stands behind the guest's device. */
export interface Engine {
  readonly rutabaga: Rutabaga;
  readonly fences: Fences;
}

/** How a command in the guest ended. */
export interface GuestOutput {
  readonly code: number;
  readonly text: string;
}

/** How long the guest may take to boot, in seconds: under emulation, beside much else. */
const BOOT_SECONDS = 120;

function findDriver(): string | undefined {
  const path = Deno.env.get("WAYFERRY_VM") ?? "";
  return path === "" ? undefined : Deno.realPathSync(path);
}

function requireDriver(): string {
  if (driver === undefined) {
    throw new Error("Cannot start a virtual machine: WAYFERRY_VM is not set");
  }
  return driver;
}

/** A running guest. */
export class Guest implements AsyncDisposable {
  /** The folder that is /share in the guest. */
  readonly share: string;
  readonly #name: string;
  readonly #logs: string;
  readonly #resources: AsyncDisposableStack;

  constructor(
    name: string,
    share: string,
    logs: string,
    resources: AsyncDisposableStack,
  ) {
    this.#name = name;
    this.share = share;
    this.#logs = logs;
    this.#resources = resources;
  }

  /** The command that runs a shell command in the guest. */
  command(script: string, seconds = 300): string[] {
    return [
      requireDriver(),
      "exec",
      this.#name,
      "--timeout",
      `${seconds}`,
      "--",
      script,
    ];
  }

  /** Runs a shell command to its end. */
  async run(script: string, seconds = 120): Promise<GuestOutput> {
    await using process = this.start(script, seconds);
    const ending = await process.end((seconds + 10) * 1000);
    return {
      code: typeof ending === "number" ? ending : -1,
      text: process.log(),
    };
  }

  /** Runs a shell command that must succeed. @returns what it printed */
  async must(script: string, seconds = 120): Promise<string> {
    const { code, text } = await this.run(script, seconds);
    if (code !== 0) {
      throw new Error(`In the guest, ${script} ended with ${code}:\n${text}`);
    }
    return text;
  }

  /** Starts a shell command. Its end here is not its end in the guest. */
  start(script: string, seconds = 600): TestProcess {
    return new TestProcess(this.command(script, seconds), {
      logPath: `${this.#logs}/${crypto.randomUUID()}.log`,
      environment: Deno.env.toObject(),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/** Boots a guest whose device leads to the compositor at `socket`. */
export async function startGuest(
  socket: string,
  { rutabaga, fences }: Engine,
): Promise<Guest> {
  await using resources = new AsyncDisposableStack();
  const share = resources.use(makeScratch("share")).path;
  const logs = resources.use(makeScratch("guest")).path;
  const name = `wayferry-test-${Deno.pid}-${rutabaga}`;
  resources.defer(async () => {
    await run("stop", name);
  });
  await run(
    "start",
    name,
    "--socket",
    socket,
    "--share",
    share,
    "--rutabaga",
    rutabaga,
    "--fences",
    fences,
    "--timeout",
    `${BOOT_SECONDS}`,
  );
  return new Guest(name, share, logs, resources.move());
}

async function run(...args: readonly string[]): Promise<void> {
  // Its output is not waited for: the virtual machine keeps it open.
  const { code } = await new Deno.Command(requireDriver(), {
    args: [...args],
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).output();
  if (code !== 0) {
    throw new Error(`${driver} ${args.join(" ")} ended with ${code}`);
  }
}

/** Words for a shell. */
export function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
}
