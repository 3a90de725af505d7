import assert from "node:assert/strict";
import { type FdKind, getInterface } from "../../../protocols/tables.ts";
import type { InterfaceName } from "../../../protocols/generated/messages.ts";
import type { Carriage, Carrier } from "../../../src/host/endpoint.ts";
import { carriedVersion } from "../../../src/policy/carried_version.ts";

function carrying(carriages: { [kind in FdKind]?: Carriage }): Carrier {
  return { carries: (kind) => carriages[kind] ?? "as-is" };
}

function carried(
  global: InterfaceName,
  version: number,
  carriages: { [kind in FdKind]?: Carriage },
): number {
  return carriedVersion(getInterface(global), version, carrying(carriages));
}

Deno.test("what carries everything carries every version", () => {
  assert.equal(carried("zwp_linux_dmabuf_v1", 6, {}), 6);
  assert.equal(carried("zwp_linux_dmabuf_v1", 2, {}), 2);
});

Deno.test("copied, bridged and shadowed descriptors are carried", () => {
  assert.equal(carried("wl_seat", 9, { keymap: "copied" }), 9);
  assert.equal(carried("wl_shm", 2, { shm: "shadowed" }), 2);
  assert.equal(
    carried("wl_data_device_manager", 3, { ["pipe_write_end"]: "bridged" }),
    3,
  );
});

Deno.test("a message three objects deep counts", () => {
  // manager, then device, then offer, which alone has the descriptor
  assert.equal(
    carried("zwp_primary_selection_device_manager_v1", 1, {
      ["pipe_write_end"]: "never",
    }),
    0,
  );
});

Deno.test("the version is the one before the message came in", () => {
  // format_table is an event of the feedback object, made by requests since 4
  assert.equal(
    carried("zwp_linux_dmabuf_v1", 6, { ["format_table"]: "never" }),
    3,
  );
  assert.equal(
    carried("zwp_linux_dmabuf_v1", 3, { ["format_table"]: "never" }),
    3,
  );
});

Deno.test("a message that no object of this global sends is no reason", () => {
  assert.equal(
    carried("wl_compositor", 6, {
      keymap: "never",
      ["pipe_write_end"]: "never",
    }),
    6,
  );
});

Deno.test("a buffer that the host writes to is not carried where memory is shadowed", () => {
  assert.equal(
    carried("zwlr_screencopy_manager_v1", 3, { shm: "shadowed" }),
    0,
  );
  assert.equal(carried("zwlr_screencopy_manager_v1", 3, { shm: "as-is" }), 3);
  assert.equal(carried("wl_compositor", 6, { shm: "shadowed" }), 6);
});

Deno.test("what was found for one endpoint is not taken for another's", () => {
  const dmabuf = getInterface("zwp_linux_dmabuf_v1");
  const first = carrying({});
  const second = carrying({ dmabuf: "never" });
  assert.equal(carriedVersion(dmabuf, 5, first), 5);
  assert.equal(carriedVersion(dmabuf, 5, second), 0);
  assert.equal(carriedVersion(dmabuf, 5, first), 5);
  assert.equal(carriedVersion(dmabuf, 4, first), 4);
});
