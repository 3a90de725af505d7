import assert from "node:assert/strict";
import { Policy } from "../../../src/policy/policy.ts";

Deno.test("the default exposure has its versions, and everything else is hidden", () => {
  const policy = new Policy();
  assert.equal(policy.cap("wl_compositor"), 7);
  assert.equal(policy.cap("wl_subcompositor"), 1);
  assert.equal(policy.cap("zwlr_screencopy_manager_v1"), 0);
  assert.equal(policy.cap("acme_time_machine_v1"), 0);
});

Deno.test("a global that is allowed has its newest known version", () => {
  const policy = new Policy({ allow: ["zwlr_layer_shell_v1"], deny: [] });
  assert.equal(policy.cap("zwlr_layer_shell_v1"), 5);
});

Deno.test("a global that is denied is hidden, also where it is allowed as well", () => {
  const policy = new Policy({
    allow: ["wl_seat", "zwlr_layer_shell_v1"],
    deny: ["wl_seat", "zwlr_layer_shell_v1", "zwp_virtual_keyboard_manager_v1"],
  });
  assert.equal(policy.cap("wl_seat"), 0);
  assert.equal(policy.cap("zwlr_layer_shell_v1"), 0);
  assert.ok(policy.isDenied("zwp_virtual_keyboard_manager_v1"));
  assert.ok(!policy.isDenied("wl_compositor"));
});

Deno.test("a global that no protocol defines can be neither allowed nor denied", () => {
  for (
    const changes of [
      { allow: ["wl_seet"], deny: [] },
      { allow: [], deny: ["wl_seet"] },
    ]
  ) {
    assert.throws(
      () => new Policy(changes),
      {
        name: "UnknownGlobalError",
        global: "wl_seet",
        message: "Cannot allow or deny wl_seet: no known protocol defines it",
      },
    );
  }
});

Deno.test("the clipboard is inert where it is denied", () => {
  assert.ok(!new Policy().inertClipboard);
  const deny = ["wl_data_device_manager"];
  assert.ok(new Policy({ allow: [], deny }).inertClipboard);
});
