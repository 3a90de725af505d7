/** Who may open a node that this user may not. */
import assert from "node:assert/strict";
import { openersOf } from "../../../../src/virtgpu/find/unopened_node.ts";
import { makeScratch } from "../../../support/scratch.ts";

const isRoot = Deno.uid() === 0;

for (
  const [gid, mode, openers] of [
    [1, 0o660, { kind: "group", name: "daemon" }],
    [54_321, 0o660, {
      kind: "group",
      name: "number 54321 (not in /etc/group)",
    }],
    [1, 0o600, { kind: "root" }],
    [1, 0o640, { kind: "root" }],
    [0, 0o660, { kind: "root" }],
  ] as const
) {
  Deno.test({
    name: `a node of the group ${gid} with the mode ${
      mode.toString(8)
    } may be opened by ${
      openers.kind === "group" ? openers.name : openers.kind
    }`,
    ignore: !isRoot,
    fn: () => {
      using scratch = makeScratch("node");
      const path = `${scratch.path}/renderD128`;
      Deno.writeTextFileSync(path, "");
      Deno.chownSync(path, null, gid);
      Deno.chmodSync(path, mode);
      assert.deepEqual(openersOf(path), openers);
    },
  });
}

Deno.test("a node that cannot be looked at is hidden", () => {
  using scratch = makeScratch("node");
  assert.deepEqual(openersOf(`${scratch.path}/gone`), { kind: "hidden" });
});
