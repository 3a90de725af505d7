/**
 * What a host's endpoint cannot carry is not offered, or only at versions
 * without it.
 */
import assert from "node:assert/strict";
import type { Differences } from "../support/other_endpoint.ts";
import { RelayWorld } from "../support/relay_world.ts";

const globals: readonly (readonly [number, string, number])[] = [
  [1, "wl_shm", 1],
  [2, "wl_data_device_manager", 3],
  [3, "zwp_primary_selection_device_manager_v1", 1],
  [4, "zwp_linux_dmabuf_v1", 5],
  [5, "wl_seat", 8],
  [6, "zwlr_screencopy_manager_v1", 3],
  [7, "wp_color_manager_v1", 2],
];

function offered(host: Differences): string[] {
  using world = RelayWorld.ready({
    host,
    allow: ["zwlr_screencopy_manager_v1"],
  }, globals);
  world.client.getRegistry(3);
  return world.client.heard().map((line) => {
    const [, name, version] = /"(.*)", (\d+)/.exec(line) ?? [];
    return `${name} ${version}`;
  });
}

Deno.test("an endpoint that carries everything is offered everything", () => {
  assert.deepEqual(offered({}), [
    "wl_shm 1",
    "wl_data_device_manager 3",
    "zwp_primary_selection_device_manager_v1 1",
    "gtk_primary_selection_device_manager 1",
    "zwp_linux_dmabuf_v1 5",
    "zwlr_screencopy_manager_v1 3",
    "wp_color_manager_v1 2",
    "wl_fixes 2",
    "wl_seat 8",
  ]);
});

Deno.test("without GPU buffers zwp_linux_dmabuf_v1 is not offered", () => {
  const names = offered({ carriages: { dmabuf: "never" } });
  assert.ok(!names.some((name) => name.startsWith("zwp_linux_dmabuf_v1")));
  assert.ok(names.includes("wl_shm 1"));
});

Deno.test("without format tables zwp_linux_dmabuf_v1 is offered at the version before them", () => {
  const names = offered({ carriages: { ["format_table"]: "never" } });
  assert.ok(names.includes("zwp_linux_dmabuf_v1 3"));
});

Deno.test("without pipes neither clipboard is offered, under none of their names", () => {
  const names = offered({ carriages: { ["pipe_write_end"]: "never" } });
  assert.deepEqual(
    names.filter((name) => /data_device|selection/.test(name)),
    [],
  );
});

Deno.test("without keymaps a seat is not offered, since its keyboards send them", () => {
  assert.ok(!offered({ carriages: { keymap: "never" } }).includes("wl_seat 8"));
});

Deno.test("an endpoint that shadows memory cannot carry buffers that the host writes to", () => {
  const names = offered({ carriages: { shm: "shadowed" } });
  assert.ok(names.includes("wl_shm 1"));
  assert.ok(!names.some((name) => name.startsWith("zwlr_screencopy")));
});

Deno.test("a bind above the version that the endpoint can carry is refused", () => {
  using world = RelayWorld.ready(
    { host: { carriages: { ["format_table"]: "never" } } },
    globals,
  );
  world.client.bind(4, "zwp_linux_dmabuf_v1", 4, 3);
  world.client.mustHear(
    'wl_display@1.error(wl_registry@2, 0, "invalid version for global zwp_linux_dmabuf_v1 (4): have 3, wanted 4")',
  );
});
