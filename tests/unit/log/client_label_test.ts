/** How clients are named in the log. */

import assert from "node:assert/strict";
import { ClientLabel, clientLabel } from "../../../src/log/client_label.ts";

Deno.test("a client is named by its program and process id", () => {
  const name = Deno.readTextFileSync("/proc/self/comm").trimEnd();
  assert.equal(clientLabel(Deno.pid), `${name}[${Deno.pid}]`);
});

Deno.test("a program's name cannot forge a line", async () => {
  const child = new Deno.Command("sh", {
    args: ["-c", "printf 'x\\n\\033[2J' > /proc/$$/comm; echo; read _"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  try {
    // its line says that it has its new name
    const reader = child.stdout.getReader();
    await reader.read();
    await reader.cancel();
    assert.equal(clientLabel(child.pid), `x\\n\\x1b[2J[${child.pid}]`);
  } finally {
    await child.stdin.close();
    await child.status;
  }
});

Deno.test("a client that is gone or cannot be seen has no program name", () => {
  assert.equal(clientLabel(0), "client[?]");
  assert.equal(clientLabel(2 ** 31 - 1), `client[${2 ** 31 - 1}]`);
});

Deno.test("a label is made when it is first wanted, and stays", async () => {
  const child = new Deno.Command("sh", {
    args: ["-c", "echo; read _"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  // its line says that it is the program, and no more the process that became
  // it
  const reader = child.stdout.getReader();
  await reader.read();
  await reader.cancel();
  const wanted = new ClientLabel(child.pid);
  const late = new ClientLabel(child.pid);
  const text = `${wanted}`;
  await child.stdin.close();
  await child.status;
  assert.match(text, new RegExp(`^\\w+\\[${child.pid}\\]$`));
  assert.equal(`${wanted}`, text);
  assert.equal(`${late}`, `client[${child.pid}]`);
});
