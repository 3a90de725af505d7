/** Signals as events: in a program that begins as main.ts does. */

import assert from "node:assert/strict";
import { Loop } from "../../../src/loop/loop.ts";
import { watchSignals } from "../../../src/loop/signals.ts";
import { LineReader } from "../../support/lines.ts";

const program = new URL("./signals_program.ts", import.meta.url).pathname;

/** A running program whose output is read line by line. */
class Program implements AsyncDisposable {
  readonly child: Deno.ChildProcess;
  readonly #output: LineReader;

  constructor(command: string, args: readonly string[]) {
    this.child = new Deno.Command(command, {
      args: [...args],
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#output = new LineReader(this.child.stdout);
  }

  /** The next line; null at the end. */
  line(): Promise<string | null> {
    return this.#output.next();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.child.kill("SIGKILL");
    } catch {
      // it has ended by itself
    }
    await this.#output.cancel();
    await this.child.status;
  }
}

const denoArguments = ["run", "-A", "--no-check", program];

Deno.test("signals are events of the loop in every case, and the process stays the same", async () => {
  await using running = new Program(Deno.execPath(), [
    ...denoArguments,
    "keep",
    "a b",
    "--flag",
  ]);
  const { pid } = running.child;
  assert.deepEqual(JSON.parse(await running.line() ?? ""), {
    pid,
    argv0: Deno.execPath(),
    names: ["a b", "--flag"],
  });
  for (const signal of ["SIGINT", "SIGHUP", "SIGINT", "SIGTERM"] as const) {
    running.child.kill(signal);
    assert.equal(await running.line(), `${signal} from ${Deno.pid}`);
  }
  assert.equal(await running.line(), "end");
  assert.equal((await running.child.status).code, 0);
});

Deno.test("the name that a program is called by survives", async () => {
  await using running = new Program(Deno.execPath(), [
    ...denoArguments,
    "rename",
  ]);
  const { pid } = running.child;
  assert.deepEqual(JSON.parse(await running.line() ?? ""), {
    pid,
    argv0: "called-by-another-name",
    names: [],
  });
  running.child.kill("SIGTERM");
  assert.equal(await running.line(), `SIGTERM from ${Deno.pid}`);
});

Deno.test("a signal that the caller ignores stays ignored", async () => {
  const script = 'trap "" HUP; exec "$0" "$@"';
  await using running = new Program("sh", [
    "-c",
    script,
    Deno.execPath(),
    ...denoArguments,
    "keep",
  ]);
  await running.line();
  running.child.kill("SIGHUP");
  running.child.kill("SIGINT");
  assert.equal(await running.line(), `SIGINT from ${Deno.pid}`);
  running.child.kill("SIGTERM");
  assert.equal(await running.line(), `SIGTERM from ${Deno.pid}`);
});

Deno.test("signals that are not blocked are not watched: they would end the process", () => {
  using loop = new Loop();
  assert.throws(
    () => watchSignals(loop, ["SIGTERM"], () => {}),
    /Cannot watch SIGTERM: not blocked/,
  );
  assert.equal(loop.watchCount, 0);
});
