/** Copy, paste and drag, with a clipboard and without one. */
import assert from "node:assert/strict";
import { closeFd } from "../../ffi/fd.ts";
import { createPipe } from "../../ffi/pipe.ts";
import { fileIdentity, openFdCount } from "../support/descriptors.ts";
import {
  RelayWorld,
  type RelayWorldOptions,
  usualGlobals,
} from "../support/relay_world.ts";

const FIRST = 0xff000000;
/** A drag from the surface, and one over it. */
const DRAG = { origin: 5, icon: null, serial: 3 };
const ENTER = { serial: 1, surface: 5 };
const INERT = 0xfffffffd;

/**
 * A client with a seat 3, a surface 5, a data device manager 6 and its device
 * 7; without the host's clipboard the last two are inert.
 */
function clipboardWorld(options: RelayWorldOptions = {}): RelayWorld {
  const world = RelayWorld.ready(options);
  const name = options.deny === undefined ? 4 : INERT;
  world.bind(3, "wl_seat", 8, 3);
  world.bind(1, "wl_compositor", 6, 4);
  world.client.createSurface(5);
  world.bind(name, "wl_data_device_manager", 3, 6);
  world.client.getDataDevice(6, 7, 3);
  world.forget();
  return world;
}

const denied = { deny: ["wl_data_device_manager"] };

Deno.test("an empty clipboard is a null offer", () => {
  using world = clipboardWorld();
  world.host.say(7, "wl_data_device.selection", { id: null });
  world.client.mustHear("wl_data_device@7.selection(nil)");
});

Deno.test("a drag without data enters with a null offer", () => {
  using world = clipboardWorld();
  world.host.say(7, "wl_data_device.enter", { ...ENTER, x: 0, y: 0, id: null });
  world.client.mustHear("wl_data_device@7.enter(1, wl_surface@5, 0, 0, nil)");
});

Deno.test("a drag enters with its offer", () => {
  using world = clipboardWorld();
  world.host.say(7, "wl_data_device.data_offer", { id: FIRST });
  const over = { ...ENTER, x: 256, y: 512, id: FIRST };
  world.host.say(7, "wl_data_device.enter", over);
  world.client.mustHear(
    "wl_data_device@7.data_offer(new wl_data_offer@4278190080)",
    "wl_data_device@7.enter(1, wl_surface@5, 256, 512, wl_data_offer@4278190080)",
  );
});

Deno.test("the pipe of a paste arrives at the source itself, in both directions", () => {
  using world = clipboardWorld();
  world.client.say(6, "wl_data_device_manager.create_data_source", { id: 8 });
  world.client.say(7, "wl_data_device.set_selection", { source: 8, serial: 1 });
  world.host.say(7, "wl_data_device.data_offer", { id: FIRST });
  world.settle();
  const before = openFdCount();
  const { reader, writer } = createPipe();
  const pipe = fileIdentity(writer.number);
  world.client.receive(FIRST, "a/b", writer.release());
  world.settle();
  const atHost = world.host.takeFd();
  assert.equal(fileIdentity(atHost), pipe);
  world.host.say(8, "wl_data_source.send", { "mime_type": "a/b", fd: atHost });
  world.settle();
  const atSource = world.client.takeFd();
  assert.equal(fileIdentity(atSource), pipe);
  closeFd(atSource);
  reader[Symbol.dispose]();
  assert.equal(openFdCount(), before);
});

Deno.test("a client whose clipboard is denied is offered one that does nothing", () => {
  using world = RelayWorld.ready(denied);
  world.client.getRegistry(3);
  assert.deepEqual(
    world.client.heard().filter((line) => line.includes("wl_data_device")),
    [`wl_registry@3.global(${INERT}, "wl_data_device_manager", 3)`],
  );
  world.client.bind(4, "wl_data_device_manager", 3, 4);
  world.client.mustHear(
    'wl_display@1.error(wl_registry@2, 0, "invalid global wl_data_device_manager (4)")',
  );
});

Deno.test("a host without a clipboard is no reason to offer an inert one", () => {
  using world = RelayWorld.ready(
    {},
    usualGlobals.filter(([name]) => name !== 4),
  );
  world.client.bind(INERT, "wl_data_device_manager", 3, 3);
  world.settle();
  assert.ok(world.ended);
});

Deno.test("copying with the inert clipboard is accepted, and the host hears nothing of it", () => {
  using world = clipboardWorld(denied);
  const { client } = world;
  client.say(6, "wl_data_device_manager.create_data_source", { id: 8 });
  client.say(8, "wl_data_source.offer", { "mime_type": "text/plain" });
  client.say(8, "wl_data_source.set_actions", { "dnd_actions": 1 });
  client.say(7, "wl_data_device.set_selection", { source: 8, serial: 1 });
  client.say(7, "wl_data_device.set_selection", { source: null, serial: 2 });
  client.say(8, "wl_data_source.destroy");
  client.say(7, "wl_data_device.release");
  world.host.mustHearNothing();
  client.mustHear("wl_display@1.delete_id(8)", "wl_display@1.delete_id(7)");
  assert.ok(!world.ended);
});

Deno.test("a drag with the inert clipboard is cancelled at once", () => {
  using world = clipboardWorld(denied);
  world.client.say(6, "wl_data_device_manager.create_data_source", { id: 8 });
  world.client.say(7, "wl_data_device.start_drag", { source: 8, ...DRAG });
  world.host.mustHearNothing();
  world.client.mustHear("wl_data_source@8.cancelled()");
});

Deno.test("a drag without a source, within the client itself, is accepted by the inert clipboard", () => {
  using world = clipboardWorld(denied);
  world.client.say(7, "wl_data_device.start_drag", { source: null, ...DRAG });
  world.host.mustHearNothing();
  world.client.mustHearNothing();
  assert.ok(!world.ended);
});

Deno.test("a drag with the host's clipboard is the host's", () => {
  using world = clipboardWorld();
  world.client.say(6, "wl_data_device_manager.create_data_source", { id: 8 });
  world.client.say(7, "wl_data_device.start_drag", { source: 8, ...DRAG });
  world.host.mustHear(
    "wl_data_device_manager@6.create_data_source(new wl_data_source@8)",
    "wl_data_device@7.start_drag(wl_data_source@8, wl_surface@5, nil, 3)",
  );
});
