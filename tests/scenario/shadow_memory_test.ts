/**
 * Host memory: cached for a while, given back, and not there when it is needed.
 */
import assert from "node:assert/strict";
import { EMFILE } from "../../ffi/errno.ts";
import { SyscallError } from "../../ffi/error.ts";
import { libc } from "../../ffi/libc.ts";
import type { ScriptedClient } from "../support/scripted_client.ts";
import { HostMemoryRoom } from "../support/host_memory.ts";
import { SURFACE } from "./support/buffer_scene.ts";
import { ShadowScene } from "./support/shadow_scene.ts";

const MEBIBYTE = 1024 * 1024;
/** Pixels of a side of a buffer of one mebibyte. */
const SIDE = 512;

/** The host shows all of its first buffer. */
const shownWhole = [
  "wl_surface@5.attach(wl_buffer#1, 0, 0)",
  "wl_surface@5.damage(0, 0, 2147483647, 2147483647)",
  "wl_surface@5.commit()",
];

/** What a client may say, by what it is for. */
type Sayings = Readonly<Record<string, (client: ScriptedClient) => void>>;

Deno.test("memory of a window that is gone serves the next one of about that size", () => {
  using scene = new ShadowScene();
  scene.commitNew(100, 100);
  scene.finishFrame();
  scene.client.say(SURFACE, "wl_surface.destroy");
  scene.client.createSurface(8);
  const second = scene.buffer(99, 101);
  scene.hostHeard();
  scene.commitOn(8, second);
  assert.equal(scene.room.blocks.length, 1);
  assert.ok(!scene.hostHears("create_pool"));
});

Deno.test("memory that nobody uses is given back after five seconds, and not before", () => {
  using scene = new ShadowScene();
  scene.commitNew(SIDE, SIDE);
  scene.finishFrame();
  scene.client.say(SURFACE, "wl_surface.destroy");
  scene.world.pass(4_900);
  assert.equal(scene.room.used, MEBIBYTE);
  scene.hostHeard();
  scene.world.pass(200);
  assert.equal(scene.room.used, 0);
  assert.ok(scene.hostHeard().includes("wl_shm_pool#1.destroy()"));
});

Deno.test("memory in use is not given back, however old it is", () => {
  using scene = new ShadowScene();
  scene.commitNew(SIDE, SIDE);
  scene.world.pass(20_000);
  assert.equal(scene.room.used, MEBIBYTE);
});

Deno.test("at most 64 MiB are kept unused, those that were used last", () => {
  using scene = new ShadowScene();
  const surfaces: number[] = [];
  const buffer = scene.buffer(4 * SIDE, 4 * SIDE);
  for (let i = 0; i < 6; i++) {
    const id = scene.client.nextId;
    scene.client.createSurface(id);
    scene.commitOn(id, buffer);
    scene.finishFrame();
    surfaces.push(id);
  }
  assert.equal(scene.room.used, 96 * MEBIBYTE);
  for (const surface of surfaces) {
    scene.client.say(surface, "wl_surface.destroy");
  }
  scene.world.settle();
  assert.equal(scene.room.used, 64 * MEBIBYTE);
  assert.deepEqual(
    scene.room.blocks.map(({ isDisposed }) => isDisposed),
    [true, true, false, false, false, false],
  );
});

Deno.test("all memory is given back when the client ends", () => {
  using scene = new ShadowScene();
  const buffer = scene.commitNew(SIDE, SIDE);
  scene.commit(buffer);
  scene.world.relay.stop("the scenario's end");
  assert.equal(scene.room.used, 0);
  assert.equal(scene.statistics.allocatedBytes, 0);
});

Deno.test("where there is no room what is kept is given back first", () => {
  using scene = new ShadowScene();
  scene.room.limit = 1.5 * MEBIBYTE;
  const first = scene.buffer(SIDE, SIDE);
  const second = scene.buffer(SIDE, SIDE + SIDE / 4);
  scene.commit(first);
  scene.finishFrame();
  scene.commit(second);
  assert.notEqual(scene.attached(), "");
  assert.equal(scene.statistics.missedCopies, 0);
});

Deno.test("where there is no room a window gives up the shadow that it does not show", () => {
  using scene = new ShadowScene();
  scene.room.limit = MEBIBYTE;
  const buffer = scene.buffer(SIDE, SIDE);
  scene.client.createSurface(8);
  scene.commit(buffer);
  scene.finishFrame();
  scene.commitOn(8, buffer);
  assert.notEqual(scene.attached(), "");
  assert.equal(scene.room.used, MEBIBYTE);
});

Deno.test("without memory a commit goes on without its buffer, and the client does not notice", () => {
  using scene = new ShadowScene();
  scene.room.limit = 0;
  const buffer = scene.buffer(8, 8);
  scene.client.say(SURFACE, "wl_surface.frame", { callback: 8 });
  scene.commit(buffer, [0, 0, 8, 8]);
  assert.deepEqual(scene.hostHeardOfSurfaces(), [
    "wl_surface@5.frame(new wl_callback@8)",
    "wl_surface@5.damage_buffer(0, 0, 8, 8)",
    "wl_surface@5.commit()",
  ]);
  scene.clientMustHear(`${buffer}.release()`);
  scene.world.logMustMatch(
    /^out of host memory for a buffer of 8x8 pixels: the host has none left; it will appear when memory is freed$/,
  );
  scene.commit(buffer);
  assert.equal(scene.world.log.length, 1, "said once");
});

Deno.test("a buffer that found no memory is shown with the next commit, all of it", () => {
  using scene = new ShadowScene();
  const buffer = scene.missNew(8, 8, [0, 0, 8, 8]);
  buffer.words.fill(6);
  scene.room.limit = Infinity;
  scene.client.commit(SURFACE);
  assert.deepEqual(scene.hostHeardOfSurfaces(), shownWhole);
  assert.equal(scene.pixels("wl_buffer#1")[63], 6);
});

Deno.test("a buffer that found no memory is shown when there is some, whether or not its client commits", () => {
  using scene = new ShadowScene();
  const buffer = scene.missNew(8, 8);
  buffer.words.fill(6);
  scene.world.pass(2_500);
  assert.deepEqual(scene.hostHeardOfSurfaces(), []);
  scene.room.limit = Infinity;
  scene.world.pass(1_000);
  assert.deepEqual(scene.hostHeardOfSurfaces(), shownWhole);
  assert.equal(scene.pixels("wl_buffer#1")[63], 6);
  scene.world.pass(1_000);
  assert.deepEqual(scene.hostHeardOfSurfaces(), []);
});

/**
 * Requests whose state the surface's next commit applies; the surface's sibling
 * has the id 8.
 */
const pendingRequests: Sayings = {
  "a scale": (client) =>
    client.say(SURFACE, "wl_surface.set_buffer_scale", { scale: 2 }),
  "damage": (client) => client.damage(SURFACE, [0, 0, 1, 1]),
  "a callback": (client) =>
    client.say(SURFACE, "wl_surface.frame", { callback: 18 }),
  "an input region": (client) =>
    client.say(SURFACE, "wl_surface.set_input_region", { region: null }),
  "a window's acknowledged size": (client) =>
    client.say(12, "xdg_surface.ack_configure", { serial: 1 }),
  "a window's smallest size": (client) =>
    client.say(13, "xdg_toplevel.set_min_size", { width: 9, height: 9 }),
  "a viewport": (client) =>
    client.say(14, "wp_viewport.set_destination", { width: 9, height: 9 }),
  "a moment to be shown at": (client) =>
    client.say(17, "wp_commit_timer_v1.set_timestamp", {
      "tv_sec_hi": 0,
      "tv_sec_lo": 50,
      "tv_nsec": 0,
    }),
  "a child's place": (client) =>
    client.say(15, "wl_subsurface.set_position", { x: 9, y: 9 }),
  "a child's commit": (client) => client.commit(8),
  "the commit of a child that is synchronised again": (client) => {
    client.say(15, "wl_subsurface.set_desync");
    client.say(15, "wl_subsurface.set_sync");
    client.commit(8);
  },
  "the commit of a synchronised child's child": (client) => {
    client.createSurface(18);
    const child = { id: 19, surface: 18, parent: 8 };
    client.say(11, "wl_subcompositor.get_subsurface", child);
    client.say(19, "wl_subsurface.set_desync");
    client.commit(18);
  },
};

for (const [name, ask] of Object.entries(pendingRequests)) {
  Deno.test(`a buffer that found no memory waits for its client's commit where ${name} waits for it`, () => {
    using scene = new ShadowScene([
      [9, "wp_viewporter", 1],
      [10, "wl_subcompositor", 1],
      [11, "wp_commit_timing_manager_v1", 1],
    ]);
    const { client } = scene;
    const buffer = scene.buffer(8, 8);
    client.createSurface(8);
    scene.world.bind(5, "xdg_wm_base", 5, 9);
    scene.world.bind(9, "wp_viewporter", 1, 10);
    scene.world.bind(10, "wl_subcompositor", 1, 11);
    client.getToplevel(9, SURFACE, 12, 13);
    client.say(10, "wp_viewporter.get_viewport", { id: 14, surface: SURFACE });
    const child = { id: 15, surface: 8, parent: SURFACE };
    client.say(11, "wl_subcompositor.get_subsurface", child);
    scene.world.bind(11, "wp_commit_timing_manager_v1", 1, 16);
    const timer = { id: 17, surface: SURFACE };
    client.say(16, "wp_commit_timing_manager_v1.get_timer", timer);
    scene.room.limit = 0;
    scene.commit(buffer);
    ask(client);
    scene.hostHeard();
    scene.room.limit = Infinity;
    scene.world.pass(3_000);
    assert.deepEqual(scene.hostHeardOfSurfaces(), []);
    client.commit(SURFACE);
    assert.deepEqual(scene.hostHeardOfSurfaces().map(withoutValues), [
      "wl_surface@5.attach",
      "wl_surface@5.damage",
      "wl_surface@5.commit",
    ]);
  });
}

/**
 * Commits of others that it does not wait for; the surface's child has the id
 * 8, and that one's child 9.
 */
const unrelatedCommits: Sayings = {
  "that is its child and not synchronised": (client) => {
    client.say(11, "wl_subsurface.set_desync");
    client.commit(8);
  },
  "that was its child": (client) => {
    client.say(11, "wl_subsurface.destroy");
    client.commit(8);
  },
  "whose parent, its child, is gone": (client) => {
    client.say(8, "wl_surface.destroy");
    client.commit(9);
  },
};

for (const [name, commit] of Object.entries(unrelatedCommits)) {
  Deno.test(`a buffer that found no memory does not wait for a surface ${name}`, () => {
    using scene = new ShadowScene([[10, "wl_subcompositor", 1]]);
    const { client } = scene;
    const buffer = scene.buffer(8, 8);
    client.createSurface(8);
    client.createSurface(9);
    scene.world.bind(10, "wl_subcompositor", 1, 10);
    const child = { id: 11, surface: 8, parent: SURFACE };
    client.say(10, "wl_subcompositor.get_subsurface", child);
    const grandchild = { id: 12, surface: 9, parent: 8 };
    client.say(10, "wl_subcompositor.get_subsurface", grandchild);
    scene.room.limit = 0;
    scene.commit(buffer);
    commit(client);
    scene.world.settle();
    scene.room.limit = Infinity;
    scene.world.pass(3_000);
    assert.notEqual(scene.attached(), "");
  });
}

function withoutValues(line: string): string {
  return line.slice(0, line.indexOf("("));
}

Deno.test("without descriptors a buffer is shown when there are some, and no memory is lost meanwhile", () => {
  using room = new HostMemoryRoom();
  let isFull = true;
  using scene = new ShadowScene([], {
    host: {
      allocate: (bytes) => {
        const block = room.allocate(bytes);
        if (block !== null && isFull) {
          block.share = () => {
            throw new SyscallError("duplicate", EMFILE);
          };
        }
        return block;
      },
    },
  });
  scene.commitNew(8, 8);
  scene.world.pass(1_500);
  assert.ok(!scene.world.ended);
  assert.equal(room.used, 0);
  scene.hostHeard();
  isFull = false;
  scene.world.pass(1_000);
  assert.deepEqual(scene.hostHeardOfSurfaces().length, 3);
});

Deno.test("a missed buffer whose file was truncated meanwhile is forgotten", () => {
  using scene = new ShadowScene();
  const buffer = scene.missNew(8, 8);
  assert.equal(libc.ftruncate(buffer.pool.fd.number, 0n), 0);
  scene.room.limit = Infinity;
  scene.world.pass(3_000);
  assert.deepEqual(scene.hostHeardOfSurfaces(), []);
  assert.ok(!scene.world.ended);
});

Deno.test("a window that is gone is not shown when there is memory again", () => {
  using scene = new ShadowScene();
  scene.missNew(8, 8);
  scene.client.say(SURFACE, "wl_surface.destroy");
  scene.hostHeard();
  scene.room.limit = Infinity;
  scene.world.pass(3_000);
  scene.hostMustHearNothing();
});

Deno.test("what a host does not release of a window that is gone is given back after five seconds", () => {
  using scene = new ShadowScene();
  scene.commitNew(SIDE, SIDE);
  const shown = scene.attached();
  scene.client.say(SURFACE, "wl_surface.destroy");
  scene.world.pass(4_900);
  scene.hostMustHear("wl_surface@5.destroy()");
  assert.equal(scene.room.used, MEBIBYTE);
  scene.world.pass(200);
  assert.equal(scene.room.used, 0);
  assert.ok(scene.hostHeard().includes(`${shown}.destroy()`));
});

Deno.test("what a host does not release of a window's former size is given back with the window", () => {
  using scene = new ShadowScene();
  const first = scene.buffer(SIDE, SIDE);
  const small = scene.buffer(8, 8);
  scene.commit(first);
  scene.commit(small);
  const second = scene.attached();
  scene.world.pass(20_000);
  assert.ok(scene.room.used > MEBIBYTE, "the host may still show it");
  scene.release(second);
  scene.client.say(SURFACE, "wl_surface.destroy");
  scene.world.pass(11_000);
  assert.equal(scene.room.used, 0);
});

Deno.test("a window that found no memory for its new size goes on showing the old one", () => {
  using scene = new ShadowScene();
  scene.commitNew(8, 8);
  const old = scene.attached();
  scene.room.limit = scene.room.used;
  const second = scene.commitNew(SIDE, SIDE);
  scene.hostMustHear("wl_surface@5.commit()");
  scene.release(old);
  scene.room.limit = Infinity;
  scene.commit(second);
  assert.notEqual(scene.attached(), old);
});

Deno.test("a missed buffer is forgotten when nothing is attached", () => {
  using scene = new ShadowScene();
  scene.missNew(8, 8);
  scene.commit(null);
  scene.hostHeard();
  scene.room.limit = Infinity;
  scene.client.commit(SURFACE);
  scene.hostMustHear("wl_surface@5.commit()");
});

Deno.test("the log says how much was copied for a client when it ends", () => {
  using scene = new ShadowScene();
  scene.commitNew(SIDE, SIDE);
  scene.world.relay.stop("the scenario's end");
  assert.ok(
    scene.world.log.includes("1 buffers were copied, 1048576 bytes"),
    scene.world.log.join("\n"),
  );
});
