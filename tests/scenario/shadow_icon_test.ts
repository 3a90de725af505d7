/** Buffers that the host reads otherwise than on a surface. */
import assert from "node:assert/strict";
import { findInterface, interfaceNames } from "../../protocols/tables.ts";
import { shownBufferRequests } from "../../src/relay/features/shown_buffers.ts";
import { ShadowScene } from "./support/shadow_scene.ts";

function iconScene(): ShadowScene {
  const scene = new ShadowScene([[9, "xdg_toplevel_icon_manager_v1", 1]]);
  scene.world.bind(9, "xdg_toplevel_icon_manager_v1", 1, 6);
  scene.say(6, "xdg_toplevel_icon_manager_v1.create_icon", 7);
  scene.hostHeard();
  return scene;
}

Deno.test("an icon's picture is copied when it is handed over", () => {
  using scene = iconScene();
  const { words } = scene.buffer(9, 8, 16, 16);
  words.fill(3);
  scene.say(7, "xdg_toplevel_icon_v1.add_buffer", 9, 1);
  const lines = scene.hostHeard();
  assert.equal(
    lines.at(-1),
    "xdg_toplevel_icon_v1@7.add_buffer(wl_buffer@10, 1)",
  );
  words.fill(4);
  assert.equal(scene.pixels("wl_buffer@10")[255], 3);
  assert.deepEqual(scene.clientHeard(), []);
});

Deno.test("an icon keeps its picture when the client destroys the buffer, and gives it up when it ends", () => {
  using scene = iconScene();
  scene.buffer(9, 8, 16, 16);
  scene.say(7, "xdg_toplevel_icon_v1.add_buffer", 9, 1);
  scene.say(9, "wl_buffer.destroy");
  scene.world.settle();
  assert.ok(!scene.hostHeard().some((line) => line.includes("destroy")));
  scene.say(7, "xdg_toplevel_icon_v1.destroy");
  assert.deepEqual(scene.hostHeard(), [
    "wl_buffer@10.destroy()",
    "wl_shm_pool@9.destroy()",
    "xdg_toplevel_icon_v1@7.destroy()",
  ]);
  assert.equal(scene.room.used, 0);
});

Deno.test("an icon that finds no memory is left out, and the client goes on", () => {
  using scene = iconScene();
  scene.room.limit = 0;
  scene.buffer(9, 8, 16, 16);
  scene.say(7, "xdg_toplevel_icon_v1.add_buffer", 9, 1);
  assert.ok(!scene.hostHeard().some((line) => line.includes("add_buffer")));
  assert.ok(!scene.world.ended);
  assert.match(scene.world.log[0] ?? "", /no memory left for a picture/);
});

Deno.test("every buffer that the host reads is looked after", () => {
  const names = interfaceNames().flatMap((name) =>
    findInterface(name)?.requests ?? []
  ).filter((request) =>
    request.arguments.some(({ buffer }) => buffer === "read")
  ).map(({ fullName }) => fullName).filter((name) =>
    name !== "wl_surface.attach"
  );
  assert.ok(names.length > 8);
  for (const name of names) {
    assert.ok(Object.hasOwn(shownBufferRequests, name), name);
  }
});
