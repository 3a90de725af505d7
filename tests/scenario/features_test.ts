/**
 * What features may do with a message: forward, rewrite, take. Holding is in
 * holding_test.ts.
 */
import assert from "node:assert/strict";
import { closeFd } from "../../ffi/fd.ts";
import type { Entry } from "../../src/relay/entry.ts";
import type { Feature } from "../../src/relay/feature.ts";
import {
  closesAllDescriptors,
  fileIdentity,
  memoryFile,
  openFdCount,
} from "../support/descriptors.ts";
import { feature, featureWorld } from "./support/feature.ts";
import { RelayWorld } from "../support/relay_world.ts";

const MOTION = { time: 1, "surface_x": 2, "surface_y": 3 };

const FIRST = 0xff000000;

Deno.test("a handler sees a message's object and its arguments by name", () => {
  const seen: unknown[] = [];
  using world = featureWorld(feature({
    requests: {
      "wl_surface.attach": (_relay, surface, { buffer, x, y }) => {
        seen.push([`${surface}`, buffer, x, y]);
        return "forward";
      },
    },
    events: {
      "wl_pointer.enter": (_relay, pointer, { serial, surface, surface_x }) => {
        seen.push([`${pointer}`, serial, `${surface}`, surface_x]);
        return "forward";
      },
    },
  }));
  world.client.say(4, "wl_surface.attach", { buffer: null, x: -1, y: 2 });
  world.host.say(6, "wl_pointer.enter", {
    serial: 0xffffffff,
    surface: 4,
    "surface_x": -256,
    "surface_y": 512,
  });
  world.settle();
  assert.deepEqual(seen, [
    ["wl_surface@4", null, -1, 2],
    ["wl_pointer@6", 0xffffffff, "wl_surface@4", -256],
  ]);
  world.host.mustHear("wl_surface@4.attach(nil, -1, 2)");
  world.client.mustHear(
    "wl_pointer@6.enter(4294967295, wl_surface@4, -256, 512)",
  );
});

Deno.test("a rewritten message goes on with what the handler wrote", () => {
  using world = featureWorld(feature({
    requests: {
      "wl_surface.damage": (_relay, _surface, values) => {
        values.width *= 2;
        return "rewrite";
      },
    },
    events: {
      "wl_pointer.motion": (_relay, _pointer, values) => {
        values.surface_x = -values.surface_x;
        return "rewrite";
      },
    },
  }));
  const { host } = world;
  world.client.damage(4, [1, 2, 3, 4]);
  host.say(6, "wl_pointer.motion", MOTION);
  host.mustHear("wl_surface@4.damage(1, 2, 6, 4)");
  world.client.mustHear("wl_pointer@6.motion(1, -2, 3)");
});

Deno.test("a rewritten message creates its objects and carries its descriptors", () => {
  using world = featureWorld(feature({
    requests: {
      "wl_shm.create_pool": (_relay, _shm, values) => {
        values.size += 1;
        return "rewrite";
      },
    },
    events: {
      "wl_keyboard.keymap": (_relay, _keyboard, values) => {
        values.size += 1;
        return "rewrite";
      },
      "wl_data_device.data_offer": () => "rewrite",
    },
  }));
  const { client } = world;
  world.bind(2, "wl_shm", 1, 7);
  client.say(5, "wl_seat.get_keyboard", { id: 8 });
  world.bind(4, "wl_data_device_manager", 3, 9);
  client.getDataDevice(9, 10, 5);
  world.forget();
  const before = openFdCount();
  const [pool, keymap] = [memoryFile(), memoryFile()];
  const identities = [fileIdentity(pool), fileIdentity(keymap)];
  client.createPool(7, { id: 11, fd: pool, size: 100 });
  world.host.keymap(8, keymap, 100);
  world.host.say(10, "wl_data_device.data_offer", { id: FIRST });
  world.host.mustHear("wl_shm@7.create_pool(new wl_shm_pool@11, fd, 101)");
  client.mustHear(
    "wl_keyboard@8.keymap(1, fd, 101)",
    "wl_data_device@10.data_offer(new wl_data_offer@4278190080)",
  );
  const arrived = [world.host.takeFd(), client.takeFd()];
  assert.deepEqual(arrived.map(fileIdentity), identities);
  arrived.forEach(closeFd);
  assert.equal(openFdCount(), before);
  client.say(11, "wl_shm_pool.resize", { size: 200 });
  world.host.mustHear("wl_shm_pool@11.resize(200)");
});

Deno.test("a handler may put another descriptor in place of the one that came", () => {
  using _closed = closesAllDescriptors();
  const another = memoryFile();
  const identity = fileIdentity(another);
  using world = featureWorld(feature({
    events: {
      "wl_keyboard.keymap": (_relay, _keyboard, values) => {
        values.fd = another;
        return "rewrite";
      },
    },
  }));
  world.client.say(5, "wl_seat.get_keyboard", { id: 7 });
  world.forget();
  world.host.keymap(7, memoryFile(), 100);
  world.settle();
  const arrived = world.client.takeFd();
  assert.equal(fileIdentity(arrived), identity);
  closeFd(arrived);
});

Deno.test("a taken message goes nowhere, and its object and descriptors are the feature's", () => {
  const taken: Entry[] = [];
  const fds: number[] = [];
  using world = featureWorld(feature({
    requests: {
      "wl_shm.create_pool": (relay, _shm, { id, fd }) => {
        taken.push(id);
        fds.push(relay.openFromClient(fd, "shm"));
        return "take";
      },
    },
  }));
  world.bind(2, "wl_shm", 1, 7);
  world.forget();
  const before = openFdCount();
  world.client.createPool(7, { id: 8, fd: memoryFile(), size: 100 });
  // Its pool has no host half, so nothing about it reaches the host.
  world.client.createBuffer(8, 9, { width: 1, height: 1 });
  world.client.say(8, "wl_shm_pool.destroy");
  world.host.mustHearNothing();
  world.client.mustHear("wl_display@1.delete_id(8)");
  assert.equal(taken[0]?.interface.name, "wl_shm_pool");
  assert.equal(openFdCount(), before + 1);
  fds.forEach(closeFd);
});

Deno.test("a taken event goes nowhere, and its descriptor is the feature's", () => {
  const fds: number[] = [];
  using world = featureWorld(feature({
    events: {
      "wl_keyboard.keymap": (relay, _keyboard, { fd, size }) => {
        if (size === 0) relay.discardFromHost(fd);
        else fds.push(relay.openFromHost(fd, "keymap"));
        return "take";
      },
    },
  }));
  world.client.say(5, "wl_seat.get_keyboard", { id: 7 });
  world.forget();
  const before = openFdCount();
  world.host.keymap(7, memoryFile(), 4096);
  world.host.keymap(7, memoryFile(), 0);
  world.client.mustHearNothing();
  assert.equal(openFdCount(), before + 1);
  fds.forEach(closeFd);
});

Deno.test("what a feature says to either side stands in order with what is forwarded", () => {
  using world = featureWorld(feature({
    requests: {
      "wl_surface.commit": (relay, surface) => {
        const damage = { x: 0, y: 0, width: 1, height: 1 };
        relay.sendRequest(surface, "wl_surface.damage", damage);
        return "forward";
      },
    },
    events: {
      "wl_pointer.frame": (relay, pointer) => {
        const wheel = { "axis_source": 1 };
        relay.sendEvent(pointer, "wl_pointer.axis_source", wheel);
        return "forward";
      },
    },
  }));
  const { host } = world;
  world.client.attach(4, null);
  world.client.commit(4);
  host.say(6, "wl_pointer.motion", MOTION);
  host.say(6, "wl_pointer.frame");
  host.mustHear(
    "wl_surface@4.attach(nil, 0, 0)",
    "wl_surface@4.damage(0, 0, 1, 1)",
    "wl_surface@4.commit()",
  );
  world.client.mustHear(
    "wl_pointer@6.motion(1, 2, 3)",
    "wl_pointer@6.axis_source(1)",
    "wl_pointer@6.frame()",
  );
});

Deno.test("handlers are asked in the order of the list, and the first that does not forward decides", () => {
  const asked: string[] = [];
  const asking = (name: string, verdict: "forward" | "take") =>
    feature({
      requests: {
        "wl_surface.commit": () => {
          asked.push(name);
          return verdict;
        },
      },
    });
  using world = featureWorld(
    asking("first", "forward"),
    asking("second", "take"),
    asking("third", "take"),
  );
  world.client.commit(4);
  world.settle();
  assert.deepEqual(asked, ["first", "second"]);
  world.host.mustHearNothing();
});

Deno.test("a feature's state is its own for every client, and closed with it", () => {
  const opened: { closed: boolean }[] = [];
  const keeping: Feature<{ closed: boolean } & Disposable> = {
    name: "keeping",
    open: () => {
      const state = {
        closed: false,
        [Symbol.dispose]: (): void => {
          state.closed = true;
        },
      };
      opened.push(state);
      return state;
    },
    requests: {},
    events: {},
  };
  using first = RelayWorld.ready({ features: [keeping] });
  using second = RelayWorld.ready({ features: [keeping] });
  first.client[Symbol.dispose]();
  first.settle();
  assert.deepEqual(opened.map(({ closed }) => closed), [true, false]);
  assert.ok(!second.ended);
});

Deno.test("a handler that throws ends its client, who is told that the proxy failed", () => {
  using world = featureWorld(feature({
    requests: {
      "wl_surface.commit": () => {
        throw new TypeError("a bug");
      },
    },
  }));
  world.client.commit(4);
  world.client.mustHearError(3, "the proxy failed: a bug");
  world.logMustMatch(/^internal error: TypeError: a bug\n/);
  assert.deepEqual(world.log.slice(1), [
    "client ended: the proxy failed: a bug",
  ]);
});
