/**
 * What the log is told: every message at both ends, as it stands on the wire
 * there.
 */
import assert from "node:assert/strict";
import type { Message } from "../../protocols/tables.ts";
import type { MessageTrace } from "../../src/log/trace.ts";
import { feature } from "./support/feature.ts";
import { RelayWorld } from "../support/relay_world.ts";

const FIRST = 0xff000000;

/** Writes down what it is told, and checks that the words are the message's. */
class Recorder implements MessageTrace {
  readonly lines: string[] = [];

  message(
    side: "client" | "host",
    direction: "received" | "sent",
    { fullName, opcode }: Message,
    objectId: number,
    words: Int32Array,
    wordOffset: number,
    size: number,
  ): void {
    assert.equal((words[wordOffset] ?? 0) >>> 0, objectId, fullName);
    assert.equal(words[wordOffset + 1], size << 16 | opcode, fullName);
    this.lines.push(`${side} ${direction} ${fullName}@${objectId}`);
  }

  note(text: string): void {
    this.lines.push(text);
  }
}

Deno.test("the relay's own greeting is traced", () => {
  const trace = new Recorder();
  using world = new RelayWorld({ trace });
  world.settle();
  assert.deepEqual(trace.lines, [
    "host sent wl_display.get_registry@1",
    "host sent wl_display.sync@1",
  ]);
});

Deno.test("a request and an event are traced where they come and where they go", () => {
  const trace = new Recorder();
  using world = RelayWorld.ready({ trace });
  world.client.getRegistry(3);
  world.bind(1, "wl_compositor", 6, 4);
  trace.lines.length = 0;
  world.client.createSurface(5);
  world.client.commit(5);
  world.settle();
  world.host.say(5, "wl_surface.preferred_buffer_scale", { factor: 2 });
  world.settle();
  const [compositor, surface] = [4, 5].map((id) => world.host.idOf(id));
  assert.deepEqual(trace.lines, [
    "client received wl_compositor.create_surface@4",
    `host sent wl_compositor.create_surface@${compositor}`,
    "client received wl_surface.commit@5",
    `host sent wl_surface.commit@${surface}`,
    `host received wl_surface.preferred_buffer_scale@${surface}`,
    "client sent wl_surface.preferred_buffer_scale@5",
  ]);
});

Deno.test("what the relay answers or destroys itself is traced", () => {
  const trace = new Recorder();
  using world = RelayWorld.withDataDevice({ trace });
  world.client.say(5, "wl_data_device.release");
  world.bind(0xfffffffe, "wl_fixes", 2, 6);
  trace.lines.length = 0;
  world.host.say(5, "wl_data_device.data_offer", { id: FIRST });
  world.host.deleteId(5);
  world.settle();
  world.client.say(6, "wl_fixes.destroy");
  world.settle();
  assert.deepEqual(trace.lines, [
    "host received wl_data_device.data_offer@5",
    "host sent wl_data_offer.destroy@4278190080",
    "host received wl_display.delete_id@1",
    "client sent wl_display.delete_id@1",
    "client received wl_fixes.destroy@6",
    "client sent wl_display.delete_id@1",
  ]);
});

Deno.test("a rewritten message is traced as it came and as it went", () => {
  const trace = new Recorder();
  using world = RelayWorld.withWindow({ tag: "[work] ", trace });
  trace.lines.length = 0;
  world.client.say(7, "xdg_toplevel.set_title", { title: "notes" });
  world.settle();
  assert.deepEqual(trace.lines, [
    "client received xdg_toplevel.set_title@7",
    "host sent xdg_toplevel.set_title@7",
  ]);
});

Deno.test("a held message is traced once", () => {
  let holds = true;
  const holding = feature({
    requests: { "wl_surface.commit": () => holds ? "hold" : "forward" },
  });
  const trace = new Recorder();
  using world = RelayWorld.withSurface({ features: [holding], trace });
  trace.lines.length = 0;
  world.client.commit(4);
  world.settle();
  world.client.commit(4);
  world.settle();
  holds = false;
  world.relay.resume("requests");
  world.settle();
  assert.deepEqual(trace.lines, [
    "client received wl_surface.commit@4",
    "host sent wl_surface.commit@4",
    "client received wl_surface.commit@4",
    "host sent wl_surface.commit@4",
  ]);
});

Deno.test("the end is noted before the last words", () => {
  const trace = new Recorder();
  using world = RelayWorld.ready({ trace });
  trace.lines.length = 0;
  world.client.commit(4711);
  world.settle();
  assert.deepEqual(trace.lines, [
    "client ended: it broke the protocol: invalid object 4711",
    "client sent wl_display.error@1",
  ]);
});
