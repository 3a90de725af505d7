/**
 * Features that hold a direction until something else has happened, for at most
 * a second.
 */
import assert from "node:assert/strict";
import { closesAllDescriptors, memoryFile } from "../support/descriptors.ts";
import { repeated } from "../support/words.ts";
import { feature, featureWorld, Gate } from "./support/feature.ts";

const MOTION = { time: 1, "surface_x": 2, "surface_y": 3 };

/** Holds every commit, pointer frame and keymap until they are released. */
function newGate(): Gate {
  return new Gate(
    ["wl_surface.commit"],
    ["wl_pointer.frame", "wl_keyboard.keymap"],
  );
}

const timedOut =
  "forwarded a message after waiting 1 s for a GPU fence, a free buffer or an answer of the compositor";

Deno.test("a held request stops those behind it, and no event", () => {
  const gate = newGate();
  using world = featureWorld(gate);
  const { host } = world;
  world.client.damage(4, [1, 2, 3, 4]);
  world.client.commit(4);
  world.client.say(1, "wl_display.sync", { callback: 7 });
  host.say(6, "wl_pointer.motion", MOTION);
  host.mustHear("wl_surface@4.damage(1, 2, 3, 4)");
  world.client.mustHear("wl_pointer@6.motion(1, 2, 3)");
  gate.release("requests");
  host.mustHear(
    "wl_surface@4.commit()",
    "wl_display@1.sync(new wl_callback@7)",
  );
});

Deno.test("a held event stops those behind it, and no request", () => {
  const gate = newGate();
  using world = featureWorld(gate);
  const { host } = world;
  host.say(6, "wl_pointer.motion", MOTION);
  host.say(6, "wl_pointer.frame");
  host.say(4, "wl_surface.preferred_buffer_scale", { factor: 2 });
  world.client.damage(4, [1, 2, 3, 4]);
  host.mustHear("wl_surface@4.damage(1, 2, 3, 4)");
  world.client.mustHear("wl_pointer@6.motion(1, 2, 3)");
  gate.release("events");
  world.client.mustHear(
    "wl_pointer@6.frame()",
    "wl_surface@4.preferred_buffer_scale(2)",
  );
});

Deno.test("what arrives while a direction is held waits its turn", () => {
  const gate = newGate();
  using world = featureWorld(gate);
  const { host } = world;
  world.client.commit(4);
  host.say(6, "wl_pointer.frame");
  world.settle();
  world.client.say(4, "wl_surface.offset", { x: 1, y: 2 });
  host.say(6, "wl_pointer.motion", MOTION);
  host.mustHearNothing();
  world.client.mustHearNothing();
  gate.release("requests");
  gate.release("events");
  host.mustHear("wl_surface@4.commit()", "wl_surface@4.offset(1, 2)");
  world.client.mustHear("wl_pointer@6.frame()", "wl_pointer@6.motion(1, 2, 3)");
});

Deno.test("a client whose request is held is not read, while the host still is", () => {
  const gate = newGate();
  using world = featureWorld(gate);
  const { host } = world;
  world.client.commit(4);
  world.settle();
  const damage = { x: 1, y: 2, width: 3, height: 4 };
  const request = world.client.encode(4, "wl_surface.damage", damage);
  let count = 0;
  while (world.client.tryBytes(request) > 0) {
    world.settle();
    assert.ok(++count < 10_000, "the client was read on and on");
  }
  host.say(6, "wl_pointer.motion", MOTION);
  world.client.mustHear("wl_pointer@6.motion(1, 2, 3)");
  gate.release("requests");
  assert.equal(host.heard().length, 1 + count);
});

Deno.test("after a second a held message goes on, and the log says so", () => {
  using world = featureWorld(newGate());
  world.client.commit(4);
  world.client.say(4, "wl_surface.offset", { x: 1, y: 2 });
  world.host.say(6, "wl_pointer.frame");
  world.pass(999);
  world.host.mustHearNothing();
  world.client.mustHearNothing();
  assert.deepEqual(world.log, []);
  world.pass(1);
  world.host.mustHear("wl_surface@4.commit()", "wl_surface@4.offset(1, 2)");
  world.client.mustHear("wl_pointer@6.frame()");
  world.mustLog(timedOut, timedOut);
});

Deno.test("only the message that waited for a second goes on without its turn", () => {
  using world = featureWorld(newGate());
  world.client.commit(4);
  world.client.commit(4);
  world.pass(1000);
  world.host.mustHear("wl_surface@4.commit()");
  world.pass(1000);
  world.host.mustHear("wl_surface@4.commit()");
});

Deno.test("a hold that ended in time leaves nothing behind: the next one has its full second", () => {
  const gate = newGate();
  using world = featureWorld(gate);
  world.client.commit(4);
  world.pass(900);
  gate.release("requests");
  world.settle();
  world.client.commit(4);
  world.pass(900);
  world.host.mustHear("wl_surface@4.commit()");
  gate.release("requests");
  world.pass(3_000);
  world.host.mustHear("wl_surface@4.commit()");
  assert.deepEqual(world.log, []);
});

Deno.test("the handlers behind the one that held are asked even when it waited too long", () => {
  const behind = feature({
    requests: { "wl_surface.commit": () => "take" },
    events: {
      "wl_keyboard.keymap": (_state, _keyboard, values) => {
        values.size = 7;
        return "rewrite";
      },
    },
  });
  using world = featureWorld(newGate(), behind);
  world.client.say(5, "wl_seat.get_keyboard", { id: 7 });
  world.forget();
  world.client.commit(4);
  world.host.keymap(7, memoryFile(), 4096);
  world.pass(1000);
  world.host.mustHearNothing();
  world.client.mustHear("wl_keyboard@7.keymap(1, fd, 7)");
});

Deno.test("a descriptor waits with its held message", () => {
  const gate = newGate();
  using world = featureWorld(gate);
  world.client.say(5, "wl_seat.get_keyboard", { id: 7 });
  world.forget();
  world.host.keymap(7, memoryFile(), 4096);
  world.host.say(7, "wl_keyboard.repeat_info", { rate: 25, delay: 600 });
  world.client.mustHearNothing();
  gate.release("events");
  world.client.mustHear(
    "wl_keyboard@7.keymap(1, fd, 4096)",
    "wl_keyboard@7.repeat_info(25, 600)",
  );
  assert.equal(world.client.receivedFds.length, 1);
});

Deno.test("a host that leaves while its events are held is heard to its last word", () => {
  using world = featureWorld(newGate());
  world.host.say(6, "wl_pointer.frame");
  world.host.say(6, "wl_pointer.frame");
  world.host.error(4, 2, "invalid size");
  world.settle();
  world.host[Symbol.dispose]();
  world.client.mustHear(
    "wl_pointer@6.frame()",
    "wl_pointer@6.frame()",
    'wl_display@1.error(wl_surface@4, 2, "invalid size")',
  );
});

Deno.test("a client that ends while its messages are held leaves nothing behind", () => {
  using _closed = closesAllDescriptors();
  using world = featureWorld(newGate());
  world.client.say(5, "wl_seat.get_keyboard", { id: 7 });
  world.client.commit(4);
  world.settle();
  world.host.keymap(7, memoryFile(), 4096);
  world.settle();
  world.relay.stop("enough");
  world.settle();
  assert.equal(world.loop.timerCount, 0);
});

Deno.test("events that are held count for what may wait for a client", () => {
  using world = featureWorld(newGate());
  world.host.say(6, "wl_pointer.frame");
  const event = world.host.encode(6, "wl_pointer.motion", MOTION);
  const batch = repeated(event, 1024);
  let sent = 0;
  while (!world.ended && sent < 1 << 25) {
    world.host.bytes(batch);
    sent += batch.length;
    world.settle();
  }
  assert.ok(sent > 16 << 20 && sent < 17 << 20, `${sent} bytes`);
  world.logMustMatch(
    /^client ended: it stopped reading \(\d+ bytes of events queued\)/,
  );
});
