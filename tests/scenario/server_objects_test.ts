/**
 * Objects that the host makes: offers, tablets. Their ids are the host's to
 * give, and ours to give again to the client.
 */
import assert from "node:assert/strict";
import { closeFd } from "../../ffi/fd.ts";
import { memoryFile, openFdCount } from "../support/descriptors.ts";
import { RelayWorld } from "../support/relay_world.ts";

const FIRST = 0xff000000;

/** A client with a tablet seat, its object 5. */
function tabletWorld(version = 2): RelayWorld {
  const world = RelayWorld.ready({}, [
    [1, "zwp_tablet_manager_v2", 2],
    [2, "wl_seat", 8],
    [3, "wl_compositor", 6],
  ]);
  world.bind(1, "zwp_tablet_manager_v2", version, 3);
  world.bind(2, "wl_seat", 8, 4);
  const seats = { "tablet_seat": 5, seat: 4 };
  world.client.say(3, "zwp_tablet_manager_v2.get_tablet_seat", seats);
  world.forget();
  return world;
}

Deno.test("an offer of the host gets a name for the client, and is used by it", () => {
  using world = RelayWorld.withDataDevice();
  world.host.say(5, "wl_data_device.data_offer", { id: FIRST });
  world.host.say(FIRST, "wl_data_offer.offer", { "mime_type": "text/plain" });
  world.host.say(5, "wl_data_device.selection", { id: FIRST });
  world.client.mustHear(
    "wl_data_device@5.data_offer(new wl_data_offer@4278190080)",
    'wl_data_offer@4278190080.offer("text/plain")',
    "wl_data_device@5.selection(wl_data_offer@4278190080)",
  );
  world.client.receive(FIRST, "text/plain", memoryFile());
  world.host.mustHear('wl_data_offer@4278190080.receive("text/plain", fd)');
});

Deno.test("the client's names of the host's objects have no gaps, whatever the host's are", () => {
  using world = RelayWorld.withDataDevice();
  for (const id of [FIRST, FIRST + 1, FIRST + 2]) {
    world.host.say(5, "wl_data_device.data_offer", { id });
  }
  world.settle();
  world.client.say(FIRST + 1, "wl_data_offer.destroy");
  world.forget();
  world.host.say(5, "wl_data_device.data_offer", { id: FIRST + 3 });
  world.host.say(5, "wl_data_device.data_offer", { id: FIRST + 4 });
  world.client.mustHear(
    "wl_data_device@5.data_offer(new wl_data_offer@4278190081)",
    "wl_data_device@5.data_offer(new wl_data_offer@4278190083)",
  );
});

Deno.test("an offer that is replaced lives until the client destroys it, and nobody says delete_id", () => {
  using world = RelayWorld.withDataDevice();
  world.host.say(5, "wl_data_device.data_offer", { id: FIRST });
  world.host.say(5, "wl_data_device.selection", { id: FIRST });
  world.host.say(5, "wl_data_device.data_offer", { id: FIRST + 1 });
  world.host.say(5, "wl_data_device.selection", { id: FIRST + 1 });
  world.forget();
  world.client.say(FIRST, "wl_data_offer.destroy");
  world.host.mustHear("wl_data_offer@4278190080.destroy()");
  world.client.mustHearNothing();
});

Deno.test("the host may give an id again that the client destroyed", () => {
  using world = RelayWorld.withDataDevice();
  world.host.say(5, "wl_data_device.data_offer", { id: FIRST });
  world.settle();
  world.client.say(FIRST, "wl_data_offer.destroy");
  world.forget();
  world.host.say(5, "wl_data_device.data_offer", { id: FIRST });
  world.host.say(FIRST, "wl_data_offer.offer", { "mime_type": "a/b" });
  world.client.mustHear(
    "wl_data_device@5.data_offer(new wl_data_offer@4278190080)",
    'wl_data_offer@4278190080.offer("a/b")',
  );
});

Deno.test("the host may give an id again that the client still uses: the old object is inert then", () => {
  using world = RelayWorld.withDataDevice();
  world.host.say(5, "wl_data_device.data_offer", { id: FIRST });
  world.host.say(5, "wl_data_device.data_offer", { id: FIRST });
  world.host.say(FIRST, "wl_data_offer.offer", { "mime_type": "a/b" });
  world.client.mustHear(
    "wl_data_device@5.data_offer(new wl_data_offer@4278190080)",
    "wl_data_device@5.data_offer(new wl_data_offer@4278190081)",
    'wl_data_offer@4278190081.offer("a/b")',
  );
  const before = openFdCount();
  world.client.receive(FIRST, "a/b", memoryFile());
  world.client.say(FIRST, "wl_data_offer.destroy");
  world.client.say(FIRST + 1, "wl_data_offer.destroy");
  world.host.mustHear("wl_data_offer@4278190080.destroy()");
  assert.equal(openFdCount(), before);
  assert.ok(!world.ended);
});

Deno.test("events of an offer that the client destroyed go nowhere", () => {
  using world = RelayWorld.withDataDevice();
  world.host.say(5, "wl_data_device.data_offer", { id: FIRST });
  world.settle();
  world.client.say(FIRST, "wl_data_offer.destroy");
  world.forget();
  world.host.say(FIRST, "wl_data_offer.offer", { "mime_type": "a/b" });
  world.host.say(FIRST, "wl_data_offer.action", { "dnd_action": 1 });
  world.client.mustHearNothing();
  assert.ok(!world.ended);
});

Deno.test("an event that names an offer the client destroyed says null, where that is allowed", () => {
  using world = RelayWorld.withDataDevice();
  world.host.say(5, "wl_data_device.data_offer", { id: FIRST });
  world.settle();
  world.client.say(FIRST, "wl_data_offer.destroy");
  world.forget();
  world.host.say(5, "wl_data_device.selection", { id: FIRST });
  world.client.mustHear("wl_data_device@5.selection(nil)");
});

Deno.test("an event that names a tablet the client destroyed is dropped, where null is not allowed", () => {
  using world = tabletWorld();
  world.bind(3, "wl_compositor", 6, 6);
  world.client.createSurface(7);
  world.host.say(5, "zwp_tablet_seat_v2.tablet_added", { id: FIRST });
  world.host.say(5, "zwp_tablet_seat_v2.tool_added", { id: FIRST + 1 });
  world.settle();
  world.client.say(FIRST, "zwp_tablet_v2.destroy");
  world.forget();
  const over = { serial: 1, tablet: FIRST, surface: 7 };
  world.host.say(FIRST + 1, "zwp_tablet_tool_v2.proximity_in", over);
  world.host.say(FIRST + 1, "zwp_tablet_tool_v2.proximity_out");
  world.client.mustHear("zwp_tablet_tool_v2@4278190081.proximity_out()");
});

Deno.test("an offer to a data device that the client released is destroyed on the host at once", () => {
  using world = RelayWorld.withDataDevice();
  world.client.say(5, "wl_data_device.release");
  world.forget();
  world.host.say(5, "wl_data_device.data_offer", { id: FIRST });
  world.host.say(FIRST, "wl_data_offer.offer", { "mime_type": "text/plain" });
  world.host.say(5, "wl_data_device.selection", { id: FIRST });
  world.host.deleteId(5);
  world.client.mustHear("wl_display@1.delete_id(5)");
  world.host.mustHear("wl_data_offer@4278190080.destroy()");
});

Deno.test("what a released data device was offered leaves no gap in the client's names", () => {
  using world = RelayWorld.withDataDevice();
  const { client } = world;
  client.say(5, "wl_data_device.release");
  client.getDataDevice(3, 6, 4);
  world.forget();
  world.host.say(5, "wl_data_device.data_offer", { id: FIRST });
  world.host.say(6, "wl_data_device.data_offer", { id: FIRST + 1 });
  client.mustHear("wl_data_device@6.data_offer(new wl_data_offer@4278190080)");
});

Deno.test("a tablet's objects are named three levels deep", () => {
  using world = tabletWorld();
  const { host } = world;
  host.say(5, "zwp_tablet_seat_v2.pad_added", { id: FIRST });
  host.say(FIRST, "zwp_tablet_pad_v2.group", { "pad_group": FIRST + 1 });
  host.say(FIRST + 1, "zwp_tablet_pad_group_v2.ring", { ring: FIRST + 2 });
  host.say(FIRST + 1, "zwp_tablet_pad_group_v2.strip", { strip: FIRST + 3 });
  host.say(FIRST + 1, "zwp_tablet_pad_group_v2.dial", { dial: FIRST + 4 });
  host.say(FIRST + 2, "zwp_tablet_pad_ring_v2.source", { source: 1 });
  world.client.mustHear(
    "zwp_tablet_seat_v2@5.pad_added(new zwp_tablet_pad_v2@4278190080)",
    "zwp_tablet_pad_v2@4278190080.group(new zwp_tablet_pad_group_v2@4278190081)",
    "zwp_tablet_pad_group_v2@4278190081.ring(new zwp_tablet_pad_ring_v2@4278190082)",
    "zwp_tablet_pad_group_v2@4278190081.strip(new zwp_tablet_pad_strip_v2@4278190083)",
    "zwp_tablet_pad_group_v2@4278190081.dial(new zwp_tablet_pad_dial_v2@4278190084)",
    "zwp_tablet_pad_ring_v2@4278190082.source(1)",
  );
  world.client.say(FIRST + 4, "zwp_tablet_pad_dial_v2.destroy");
  host.mustHear("zwp_tablet_pad_dial_v2@4278190084.destroy()");
});

Deno.test("a tablet that arrives where the client left is destroyed on the host, with what belongs to it", () => {
  using world = tabletWorld();
  world.client.say(5, "zwp_tablet_seat_v2.destroy");
  world.forget();
  world.host.say(5, "zwp_tablet_seat_v2.pad_added", { id: FIRST });
  world.host.say(FIRST, "zwp_tablet_pad_v2.group", { "pad_group": FIRST + 1 });
  world.host.say(FIRST + 1, "zwp_tablet_pad_group_v2.ring", {
    ring: FIRST + 2,
  });
  world.host.say(FIRST + 2, "zwp_tablet_pad_ring_v2.source", { source: 1 });
  world.client.mustHearNothing();
  world.host.mustHear(
    "zwp_tablet_pad_v2@4278190080.destroy()",
    "zwp_tablet_pad_group_v2@4278190081.destroy()",
    "zwp_tablet_pad_ring_v2@4278190082.destroy()",
  );
});

Deno.test("events that are newer than their object are dropped, with the objects that they bring", () => {
  using world = tabletWorld(1);
  const { host } = world;
  host.say(5, "zwp_tablet_seat_v2.pad_added", { id: FIRST });
  host.say(FIRST, "zwp_tablet_pad_v2.group", { "pad_group": FIRST + 1 });
  host.say(FIRST + 1, "zwp_tablet_pad_group_v2.dial", { dial: FIRST + 2 });
  host.say(FIRST + 1, "zwp_tablet_pad_group_v2.strip", { strip: FIRST + 3 });
  assert.deepEqual(world.client.heard().slice(2), [
    "zwp_tablet_pad_group_v2@4278190081.strip(new zwp_tablet_pad_strip_v2@4278190082)",
  ]);
  host.mustHear("zwp_tablet_pad_dial_v2@4278190082.destroy()");
});

Deno.test("a keymap for a keyboard that the client released is closed", () => {
  using world = RelayWorld.ready();
  world.bind(3, "wl_seat", 8, 3);
  world.client.say(3, "wl_seat.get_keyboard", { id: 4 });
  world.client.say(4, "wl_keyboard.release");
  world.client.say(3, "wl_seat.get_keyboard", { id: 5 });
  world.forget();
  const before = openFdCount();
  world.host.keymap(4, memoryFile(), 4096);
  world.host.keymap(5, memoryFile(), 4096);
  world.client.mustHear("wl_keyboard@5.keymap(1, fd, 4096)");
  closeFd(world.client.takeFd());
  assert.equal(openFdCount(), before);
});
