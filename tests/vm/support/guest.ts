/**
 * Virtual machines whose virtio-gpu leads to a compositor of this machine.
 *
 * A driver boots them, which `WAYFERRY_VM` names by its path. Its verbs are
 * `start NAME`, `exec NAME -- COMMAND` and `stop NAME`; its options `--socket`
 * (the compositor's), `--share` (a folder, /share in the guest), `--rutabaga`
 * (the release of the host's engine), `--fences` (`stock` or `fixed`) and
 * `--timeout`. The guest sees this machine's files but for /tmp.
 *
 * `WAYFERRY_QEMU` is the driver's own: the command line of QEMU, where it is
 * not to be the driver's choice. "{rutabaga}" and "{fences}" in it stand for
 * the engine.
 */
import type { Fences, Rutabaga } from "../../emulator/host_profile.ts";
import { readIfPresent } from "../../support/files.ts";
import { PATH } from "../../support/packages.ts";
import { TestProcess } from "../../support/process.ts";
import { makeScratch } from "../../support/scratch.ts";
import { delay } from "../../support/wait.ts";
import { monitorAt, suspend } from "./monitor.ts";

/** The path of the driver, or undefined where there is none. */
export const driver: string | undefined = findDriver();

/** What stands behind the guest's device. */
export interface Engine {
  readonly rutabaga: Rutabaga;
  readonly fences: Fences;
}

export interface GuestOutput {
  readonly code: number;
  readonly text: string;
}

/**
 * How long the guest may take to boot, in seconds: under emulation, beside much
 * else.
 */
const BOOT_SECONDS = 300;
const DAY = 86_400;

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

/**
 * What runs commands in the guest: one shell, which finds them in the shared
 * folder, one file after the other. A driver may be slow at it, the more so the
 * more commands there were, and may mistake two that come at once for one.
 */
const AGENT = `[ -p /run/agent ] || mkfifo /run/agent
exec 9<>/run/agent
n=1
while [ ! -e /share/jobs/end ]; do
  j=/share/jobs/$n
  if [ -e $j.sh ]; then
    (bash $j.sh </dev/null >$j.out 2>&1 9<&-; echo $? >$j.status) &
    n=$((n + 1))
  else
    read -r -t 0.05 -u 9
  fi
done`;

/**
 * Waits for a command's end, as a process of its own: status file, output file,
 * seconds.
 */
const WAIT = `i=$(($3 * 10))
until [ -s "$1" ]; do
  [ $i -gt 0 ] || exit 124
  i=$((i - 1))
  sleep 0.1
done
cat "$2"
exit "$(cat "$1")"`;

export class Guest implements AsyncDisposable {
  /** The folder that is /share in the guest. */
  readonly share: string;
  /** Whether there is a way to stop it and its clocks. */
  readonly canSuspend = Deno.env.has("WAYFERRY_QEMU");
  readonly #logs: string;
  readonly #resources: AsyncDisposableStack;
  #jobs = 0;

  constructor(share: string, logs: string, resources: AsyncDisposableStack) {
    this.share = share;
    this.#logs = logs;
    this.#resources = resources;
  }

  /**
   * Stops it and its clocks for this many milliseconds, where that is possible.
   */
  async suspend(ms: number): Promise<void> {
    await suspend(monitorIn(this.#logs), ms);
  }

  /**
   * Has a shell command run in the guest, now.
   *
   * @returns the command of this machine that waits for its end, prints its
   * output and has its status; 124: it has none yet
   */
  command(script: string, seconds = 300): string[] {
    const job = this.#submit(script);
    return [
      "sh",
      "-c",
      WAIT,
      "sh",
      `${job}.status`,
      `${job}.out`,
      `${seconds}`,
    ];
  }

  /**
   * Runs a shell command to its end, or for this many seconds: then the status
   * is 124.
   */
  async run(script: string, seconds = 120): Promise<GuestOutput> {
    const job = this.#submit(script);
    const deadline = performance.now() + seconds * 1000;
    for (;;) {
      const status = readIfPresent(`${job}.status`) ?? "";
      if (status.endsWith("\n") || performance.now() > deadline) {
        return {
          code: status === "" ? 124 : Number(status),
          text: readIfPresent(`${job}.out`) ?? "",
        };
      }
      await delay(50);
    }
  }

  /** Runs a shell command that must succeed. @returns what it printed */
  async must(script: string, seconds = 120): Promise<string> {
    const { code, text } = await this.run(script, seconds);
    if (code !== 0) {
      const what = script.slice(0, 200);
      throw new Error(`In the guest, ${what} ended with ${code}:\n${text}`);
    }
    return text;
  }

  /** Starts a shell command. Its end here is not its end in the guest. */
  start(script: string, seconds = 600): TestProcess {
    return new TestProcess(this.command(script, seconds), {
      logPath: `${this.#logs}/${crypto.randomUUID()}.log`,
      environment: { PATH },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  #submit(script: string): string {
    const job = `${this.share}/jobs/${++this.#jobs}`;
    Deno.writeTextFileSync(`${job}.part`, `${script}\n`);
    Deno.renameSync(`${job}.part`, `${job}.sh`);
    return job;
  }
}

/** Boots a guest whose device leads to the compositor at `socket`. */
export async function startGuest(
  socket: string,
  engine: Engine,
): Promise<Guest> {
  const { rutabaga, fences } = engine;
  await using resources = new AsyncDisposableStack();
  const share = resources.use(makeScratch("share")).path;
  const logs = resources.use(makeScratch("guest")).path;
  const environment = qemuFor(engine, monitorIn(logs));
  const name = `wayferry-test-${Deno.pid}-${rutabaga}`;
  resources.defer(async () => {
    await run(environment, "stop", name);
  });
  const timeout = `${BOOT_SECONDS}`;
  const options = Object.entries({ socket, share, rutabaga, fences, timeout });
  const words = options.flatMap(([option, value]) => [`--${option}`, value]);
  await run(environment, "start", name, ...words);
  Deno.mkdirSync(`${share}/jobs`);
  const agent = resources.use(
    new TestProcess(
      [requireDriver(), "exec", name, "--timeout", `${DAY}`, "--", AGENT],
      { logPath: `${logs}/agent.log`, environment: Deno.env.toObject() },
    ),
  );
  resources.defer(async () => {
    Deno.writeTextFileSync(`${share}/jobs/end`, "");
    await agent.end(10_000).catch(() => {});
  });
  return new Guest(share, logs, resources.move());
}

async function run(
  environment: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<void> {
  // Its output is not waited for: the virtual machine keeps it open.
  const { code } = await new Deno.Command(requireDriver(), {
    args: [...args],
    env: environment,
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).output();
  if (code !== 0) {
    throw new Error(`${driver} ${args.join(" ")} ended with ${code}`);
  }
}

/** What the driver gets besides: the command line of QEMU for an engine. */
function qemuFor(
  { rutabaga, fences }: Engine,
  monitor: string,
): Record<string, string> {
  const template = Deno.env.get("WAYFERRY_QEMU");
  if (template === undefined) return {};
  const words: readonly string[] = JSON.parse(template);
  const filled = words.map((word) =>
    word.replaceAll("{rutabaga}", rutabaga).replaceAll("{fences}", fences)
  );
  return {
    WAYFERRY_QEMU: JSON.stringify([...filled, ...monitorAt(monitor)]),
  };
}

function monitorIn(folder: string): string {
  return `${folder}/monitor`;
}

/** Words for a shell. */
export function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
}
