/** How clients are named in the log. */

import assert from "node:assert/strict";
import { ClientLabel, clientLabel } from "../../../src/log/client_label.ts";

Deno.test("a client is named by its program and process id", () => {
  const name = Deno.readTextFileSync("/proc/self/comm").trimEnd();
  assert.equal(clientLabel(Deno.pid), `${name}[${Deno.pid}]`);
});

/** A shell whose script has come to its first line of output. */
async function startShell(
  script: string,
): Promise<AsyncDisposable & { readonly pid: number }> {
  const child = new Deno.Command("sh", {
    args: ["-c", `${script}; echo; read _`],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  await reader.cancel();
  return {
    pid: child.pid,
    async [Symbol.asyncDispose](): Promise<void> {
      await child.stdin.close();
      await child.status;
    },
  };
}

Deno.test("a program's name cannot forge a line", async () => {
  await using shell = await startShell(
    "printf 'x\\n\\033[2J' > /proc/$$/comm",
  );
  assert.equal(clientLabel(shell.pid), `x\\n\\x1b[2J[${shell.pid}]`);
});

Deno.test("a client that is gone or cannot be seen has no program name", () => {
  assert.equal(clientLabel(0), "client[?]");
  assert.equal(clientLabel(2 ** 31 - 1), `client[${2 ** 31 - 1}]`);
});

Deno.test("a label is made when it is first wanted, and stays", async () => {
  const shell = await startShell(":");
  const wanted = new ClientLabel(shell.pid);
  const late = new ClientLabel(shell.pid);
  const text = `${wanted}`;
  await shell[Symbol.asyncDispose]();
  assert.match(text, new RegExp(`^\\w+\\[${shell.pid}\\]$`));
  assert.equal(`${wanted}`, text);
  assert.equal(`${late}`, `client[${shell.pid}]`);
});
