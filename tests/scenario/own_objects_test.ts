/**
 * Objects that the relay makes on the host for itself, and halves that come
 * late.
 */
import assert from "node:assert/strict";
import type { Entry } from "../../src/relay/entry.ts";
import { feature, featureWorld } from "./support/feature.ts";

Deno.test("an object that only the relay knows is used by it, and its events are told to its listener", () => {
  const heard: string[] = [];
  let made: Entry | null = null;
  using world = featureWorld(feature({
    requests: {
      "wl_surface.commit": (relay, surface) => {
        made = relay.createHostObject("wl_callback", 1, {
          event: (_entry, { name }, values) =>
            heard.push(`${name} ${values["callback_data"]}`),
        });
        relay.sendRequest(surface, "wl_surface.frame", { callback: made });
        return "forward";
      },
    },
  }));
  world.client.commit(4);
  const callback = "wl_callback#2";
  world.host.mustHear(
    `wl_surface@4.frame(new ${callback})`,
    "wl_surface@4.commit()",
  );
  const id = world.host.idOf(callback);
  world.host.say(callback, "wl_callback.done", { "callback_data": 99 });
  world.host.answer(callback, 100);
  world.settle();
  assert.deepEqual(heard, ["done 99"], "the end is told once");
  world.client.mustHearNothing();
  // The id comes back to the allocator that clients' objects share.
  world.client.say(3, "wl_compositor.create_region", { id: 7 });
  world.host.mustHear("wl_compositor@3.create_region(new wl_region@7)");
  assert.equal(world.host.idOf(7), id);
});

Deno.test("a feature binds what clients may see, for the relay itself", () => {
  const bound: (Entry | null)[] = [];
  const listener = { event: (): void => {} };
  using world = featureWorld(feature({
    requests: {
      "wl_surface.commit": (relay) => {
        bound.push(
          relay.bindGlobal("wl_seat", 99, listener),
          relay.bindGlobal("wl_fixes", 1, listener),
          relay.bindGlobal("wp_viewporter", 1, listener),
        );
        return "take";
      },
    },
  }));
  world.client.commit(4);
  world.settle();
  assert.deepEqual(bound.map((entry) => entry?.version ?? null), [
    8,
    null,
    null,
  ]);
  world.host.mustHear("wl_registry#1.bind(3, new wl_seat v8#1)");
});

Deno.test("a client's object that is given its host half late is known to the host from then on", () => {
  let compositor: Entry | null = null;
  using world = featureWorld(feature({
    requests: {
      "wl_compositor.create_region": (_relay, entry) => {
        compositor = entry;
        return "take";
      },
      "wl_surface.set_input_region": (relay, _surface, { region }) => {
        if (compositor === null || region === null) return "forward";
        relay.addHostHalf(region);
        relay.sendRequest(compositor, "wl_compositor.create_region", {
          id: region,
        });
        return "forward";
      },
    },
  }));
  world.client.say(3, "wl_compositor.create_region", { id: 7 });
  world.client.say(7, "wl_region.add", { x: 1, y: 2, width: 3, height: 4 });
  world.host.mustHearNothing();
  world.client.say(4, "wl_surface.set_input_region", { region: 7 });
  world.client.say(7, "wl_region.add", { x: 5, y: 6, width: 7, height: 8 });
  world.host.mustHear(
    "wl_compositor@3.create_region(new wl_region@7)",
    "wl_surface@4.set_input_region(wl_region@7)",
    "wl_region@7.add(5, 6, 7, 8)",
  );
});
