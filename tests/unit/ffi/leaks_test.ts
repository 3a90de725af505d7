/**
 * Descriptors that are left behind; Deno's own leak check does not see them.
 */

import assert from "node:assert/strict";

Deno.test("nothing that opens descriptors leaves one behind, also when it fails half-way", async () => {
  const program = new URL("./leaks_program.ts", import.meta.url).pathname;
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", program],
  });
  const { stdout, stderr } = await command.output();
  assert.equal(new TextDecoder().decode(stderr), "");
  const { before, after } = JSON.parse(new TextDecoder().decode(stdout));
  assert.deepEqual(after, before);
});
