/** Buffers that the host reads otherwise than on a surface. */
import assert from "node:assert/strict";
import { findInterface, interfaceNames } from "../../protocols/tables.ts";
import { iconRequests } from "../../src/relay/features/shadow/icon_messages.ts";
import { SURFACE } from "./support/buffer_scene.ts";
import { ShadowScene } from "./support/shadow_scene.ts";

function iconScene(): ShadowScene {
  const scene = new ShadowScene([[9, "xdg_toplevel_icon_manager_v1", 1]]);
  scene.world.bind(9, "xdg_toplevel_icon_manager_v1", 1, 6);
  scene.client.say(6, "xdg_toplevel_icon_manager_v1.create_icon", { id: 7 });
  scene.hostHeard();
  return scene;
}

Deno.test("an icon's picture is copied when it is handed over", () => {
  using scene = iconScene();
  const { client } = scene;
  const buffer = scene.buffer(16, 16);
  buffer.words.fill(3);
  client.say(7, "xdg_toplevel_icon_v1.add_buffer", { buffer, scale: 1 });
  const lines = scene.hostHeard();
  assert.equal(
    lines.at(-1),
    "xdg_toplevel_icon_v1@7.add_buffer(wl_buffer#1, 1)",
  );
  buffer.words.fill(4);
  assert.equal(scene.pixels("wl_buffer#1")[255], 3);
  scene.clientMustHearNothing();
});

Deno.test("an icon keeps its picture when the client destroys the buffer, and gives it up when it ends", () => {
  using scene = iconScene();
  const { client } = scene;
  const buffer = scene.buffer(16, 16);
  client.say(7, "xdg_toplevel_icon_v1.add_buffer", { buffer, scale: 1 });
  client.say(buffer, "wl_buffer.destroy");
  assert.ok(!scene.hostHears("destroy"));
  client.say(7, "xdg_toplevel_icon_v1.destroy");
  scene.hostMustHear(
    "xdg_toplevel_icon_v1@7.destroy()",
    "wl_buffer#1.destroy()",
    "wl_shm_pool#1.destroy()",
  );
  assert.equal(scene.room.used, 0);
});

Deno.test("an icon that finds no memory is left out, and the client goes on", () => {
  using scene = iconScene();
  const { client } = scene;
  scene.room.limit = 0;
  const buffer = scene.buffer(16, 16);
  client.say(7, "xdg_toplevel_icon_v1.add_buffer", { buffer, scale: 1 });
  assert.ok(!scene.hostHears("add_buffer"));
  assert.ok(!scene.world.ended);
  scene.world.logMustMatch(
    /^out of host memory for an image of 16x16 pixels: .*; it is not shown$/,
  );
});

Deno.test("a picture that replaces one of an icon takes no further memory, and the host's buffer of it lives on", () => {
  using scene = iconScene();
  const { client } = scene;
  const buffer = scene.buffer(16, 16);
  for (let value = 1; value <= 20; value++) {
    buffer.words.fill(value);
    client.say(7, "xdg_toplevel_icon_v1.add_buffer", { buffer, scale: 1 });
    scene.world.settle();
  }
  client.say(7, "xdg_toplevel_icon_v1.add_buffer", { buffer, scale: 2 });
  const added = scene.hostHeard().filter((line) => line.includes("add_buffer"));
  assert.equal(added.length, 21);
  assert.equal(new Set(added).size, 2);
  assert.equal(scene.room.blocks.length, 2, "one for each scale");
  assert.equal(scene.pixels("wl_buffer#1")[255], 20);
});

/** A client with a window's shadow (7), as KWin draws them. */
function frameScene(): ShadowScene {
  const scene = new ShadowScene([[9, "org_kde_kwin_shadow_manager", 2]], {
    allow: ["org_kde_kwin_shadow_manager"],
  });
  scene.world.bind(9, "org_kde_kwin_shadow_manager", 2, 6);
  const frame = { id: 7, surface: SURFACE };
  scene.client.say(6, "org_kde_kwin_shadow_manager.create", frame);
  scene.buffer(16, 16);
  scene.hostHeard();
  return scene;
}

/** What the host heard of buffers of a window's shadow, their memory apart. */
function heardOfFrame(scene: ShadowScene): string[] {
  return scene.hostHeard().filter((line) => /^(org_kde|wl_buffer)/.test(line));
}

Deno.test("a picture that replaces one of a window's shadow before it is shown has it given back", () => {
  using scene = frameScene();
  scene.client.say(7, "org_kde_kwin_shadow.attach_left", { buffer: 9 });
  scene.client.say(7, "org_kde_kwin_shadow.attach_top", { buffer: 9 });
  const [first = "", second] = heardOfFrame(scene);
  assert.match(first, /attach_left\(wl_buffer#1\)/);
  assert.match(second ?? "", /attach_top/);
  scene.client.say(7, "org_kde_kwin_shadow.attach_left", { buffer: 9 });
  const [attach = "", destroy] = heardOfFrame(scene);
  assert.match(attach, /attach_left/);
  assert.equal(destroy, "wl_buffer#1.destroy()");
  assert.equal(scene.room.used, 2 * (scene.room.blocks[0]?.size ?? 0));
});

Deno.test("a picture of a window's shadow is given back when the next commit shows another in its place", () => {
  using scene = frameScene();
  scene.client.say(7, "org_kde_kwin_shadow.attach_left", { buffer: 9 });
  scene.client.say(7, "org_kde_kwin_shadow.commit");
  scene.client.say(7, "org_kde_kwin_shadow.attach_left", { buffer: 9 });
  scene.world.settle();
  assert.ok(!heardOfFrame(scene).some((line) => line.includes("destroy")));
  scene.client.say(7, "org_kde_kwin_shadow.commit");
  assert.deepEqual(heardOfFrame(scene), [
    "org_kde_kwin_shadow@7.commit()",
    "wl_buffer#1.destroy()",
  ]);
  scene.client.say(7, "org_kde_kwin_shadow.destroy");
  assert.match(
    heardOfFrame(scene).join(" "),
    /^org_kde_kwin_shadow@7.destroy\(\) wl_buffer#\d+.destroy\(\)$/,
  );
  assert.equal(scene.room.used, 0);
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
    assert.ok(Object.hasOwn(iconRequests, name), name);
  }
});
