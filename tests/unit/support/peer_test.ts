/**
 * A scripted peer says exactly the message that its test has written, or
 * refuses.
 */
import assert from "node:assert/strict";
import { socketPair } from "../../../ffi/unix_socket.ts";
import { findRequest } from "../../../protocols/tables.ts";
import { ScriptedClient } from "../../support/scripted_client.ts";
import { ScriptedHost } from "../../support/scripted_host.ts";
import { packMessage } from "../../support/spoken.ts";

/** A message with these arguments, whose types nobody has checked. */
function pack(name: string, values: Readonly<Record<string, unknown>>): void {
  const message = findRequest(name);
  assert.ok(message !== null);
  packMessage(4, message, new Map(Object.entries(values)), (id) => Number(id));
}

for (
  const [what, name, values, refusal] of [
    ["without one of its arguments", "wl_surface.damage", {
      x: 1,
      y: 2,
      width: 3,
    }, /damage: height is missing/],
    ["with an argument that it does not have", "wl_surface.commit", {
      serial: 1,
    }, /commit: serial is not an argument/],
    ["without its descriptor", "wl_shm.create_pool", {
      id: 5,
      size: 4096,
    }, /create_pool: fd is missing/],
    ["with null for its descriptor", "wl_shm.create_pool", {
      id: 5,
      fd: null,
      size: 4096,
    }, /create_pool: fd is a number/],
    ["with a number for its text", "xdg_toplevel.set_title", {
      title: 1,
    }, /set_title: title is of the type string/],
    ["without the version of what it binds", "wl_registry.bind", {
      name: 1,
      interface: "wl_seat",
      id: 5,
    }, /bind: version is missing/],
  ] as const
) {
  Deno.test(`a message ${what} is refused`, () => {
    assert.throws(() => pack(name, values), refusal);
  });
}

/** A client and a host that speak to each other. */
class Conversation implements Disposable {
  readonly client: ScriptedClient;
  readonly host: ScriptedHost;

  /** @param firstOwn the ids from this one on are those of a relay's objects */
  constructor(firstOwn = Infinity) {
    const [clientEnd, hostEnd] = socketPair();
    this.client = new ScriptedClient(clientEnd);
    this.host = new ScriptedHost(hostEnd, (id) => id < firstOwn ? id : 0);
  }

  [Symbol.dispose](): void {
    this.client[Symbol.dispose]();
    this.host[Symbol.dispose]();
  }
}

Deno.test("a descriptor that is not one is not sent", () => {
  using conversation = new Conversation();
  const { client } = conversation;
  client.say(1, "wl_display.get_registry", { registry: 2 });
  client.bind(1, "wl_shm", 1, 3);
  assert.throws(
    () => client.createPool(3, { id: 4, fd: -1, size: 4096 }),
    /-1 is not a descriptor/,
  );
});

Deno.test("a message that an object's interface does not have is refused", () => {
  using conversation = new Conversation();
  assert.throws(
    () => conversation.client.say(1, "wl_surface.commit"),
    /wl_display@1 has no wl_surface.commit/,
  );
});

Deno.test("the client's objects are called by its ids, and the relay's by their order", () => {
  using conversation = new Conversation(4);
  const { client, host } = conversation;
  client.say(1, "wl_display.get_registry", { registry: 2 });
  client.bind(1, "wl_compositor", 6, 3);
  client.say(1, "wl_display.sync", { callback: 4 });
  client.say(3, "wl_compositor.create_region", { id: 5 });
  client.say(3, "wl_compositor.create_region", { id: 6 });
  client.say(6, "wl_region.destroy");
  assert.deepEqual(host.heard(), [
    "wl_display@1.get_registry(new wl_registry@2)",
    "wl_registry@2.bind(1, new wl_compositor v6@3)",
    "wl_display@1.sync(new wl_callback#1)",
    "wl_compositor@3.create_region(new wl_region#1)",
    "wl_compositor@3.create_region(new wl_region#2)",
    "wl_region#2.destroy()",
  ]);
  host.answer("wl_callback#1", 7);
  assert.deepEqual(client.heard(), [
    "wl_callback@4.done(7)",
    "wl_display@1.delete_id(4)",
  ]);
});

Deno.test("a host says nothing of an object that there is not", () => {
  using conversation = new Conversation();
  const { host } = conversation;
  for (const callback of ["wl_callback#1", 7]) {
    assert.throws(() => host.answer(callback), /no object 7|no wl_callback#1/);
  }
});
