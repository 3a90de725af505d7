/** Moments, told and asked for, where the host's clock is another. */
import assert from "node:assert/strict";
import { presentationClock } from "../../src/relay/features/presentation/presentation_clock.ts";
import { SURFACE } from "./support/buffer_scene.ts";
import { ShadowScene } from "./support/shadow_scene.ts";
import type { RelayWorldOptions } from "../support/relay_world.ts";

/** How an image was shown, but for the time. */
const SHOWN = { refresh: 16_666_666, "seq_hi": 0, "seq_lo": 5, flags: 1 };

/**
 * A client with `wp_presentation` (6), and a feedback (7) and a timer (9) of
 * its surface.
 */
class ClockScene extends ShadowScene {
  /** Our clock, in milliseconds. */
  time = 0;

  constructor(options: RelayWorldOptions = {}) {
    let scene: ClockScene | null = null;
    super([
      [9, "wp_presentation", 2],
      [10, "wp_commit_timing_manager_v1", 1],
    ], {
      features: [presentationClock(() => scene?.time ?? 0)],
      ...options,
    });
    scene = this;
    this.world.bind(9, "wp_presentation", 1, 6);
    const feedback = { surface: SURFACE, callback: 7 };
    this.client.say(6, "wp_presentation.feedback", feedback);
    this.world.bind(10, "wp_commit_timing_manager_v1", 1, 8);
    const timer = { id: 9, surface: SURFACE };
    this.client.say(8, "wp_commit_timing_manager_v1.get_timer", timer);
    this.hostHeard();
  }

  /** The client says when its next image is to be shown. */
  setTime(seconds: number, nanoseconds: number): void {
    const at = timestamp(seconds, nanoseconds);
    this.client.say(9, "wp_commit_timer_v1.set_timestamp", at);
  }

  /** The same, and it commits. */
  commitAt(seconds: number, nanoseconds = 0): string[] {
    this.setTime(seconds, nanoseconds);
    this.client.commit(SURFACE);
    return this.hostHeard();
  }

  /** The host says when an image was shown. */
  presented(seconds: number, nanoseconds: number, feedback?: string): string[] {
    const values = { ...timestamp(seconds, nanoseconds), ...SHOWN };
    const name = "wp_presentation_feedback.presented";
    this.host.say(feedback ?? 7, name, values);
    return this.clientHeard();
  }
}

function timestamp(seconds: number, nanoseconds: number): {
  "tv_sec_hi": number;
  "tv_sec_lo": number;
  "tv_nsec": number;
} {
  return { "tv_sec_hi": 0, "tv_sec_lo": seconds, "tv_nsec": nanoseconds };
}

/** The host hears when an image is to be shown. */
function timeSet(seconds: number, nanoseconds: number): string {
  return `wp_commit_timer_v1@9.set_timestamp(0, ${seconds}, ${nanoseconds})`;
}

/** The client hears when an image was shown. */
function shownAt(seconds: number, nanoseconds: number): string {
  const time = `0, ${seconds}, ${nanoseconds}`;
  return `wp_presentation_feedback@7.presented(${time}, 16666666, 0, 5, 1)`;
}

Deno.test("the client is told of its own monotonic clock, whichever the host has", () => {
  using scene = new ClockScene();
  scene.host.say(6, "wp_presentation.clock_id", { "clk_id": 4 });
  scene.clientMustHear("wp_presentation@6.clock_id(1)");
});

Deno.test("the client gets presentation times in its own clock", () => {
  using scene = new ClockScene();
  scene.time = 50_000.25;
  assert.deepEqual(scene.presented(1_000_000, 999_750_000), [
    shownAt(50, 250_000),
  ]);
});

Deno.test("a moment that the client asks for reaches the host in the host's clock", () => {
  using scene = new ClockScene();
  scene.time = 50_000;
  scene.presented(1_000_000, 0);
  scene.setTime(50, 16_000_001);
  scene.hostMustHear(timeSet(1_000_000, 16_000_001));
});

Deno.test("a moment that cannot be translated yet is not asked for, but the next one is, since the relay asks for the host's time itself", () => {
  using scene = new ClockScene();
  const feedback = "wp_presentation_feedback#1";
  assert.deepEqual(scene.commitAt(50), [
    "wl_registry#1.bind(9, new wp_presentation v1#1)",
    `wp_presentation#1.feedback(wl_surface@5, new ${feedback})`,
    "wl_surface@5.commit()",
  ]);
  scene.time = 50_000;
  assert.deepEqual(scene.presented(1_000_000, 0, feedback), []);
  scene.host.deleteId(feedback);
  scene.clientMustHearNothing();
  scene.time = 50_400;
  assert.deepEqual(scene.commitAt(50, 416_000_000), [
    timeSet(1_000_000, 416_000_000),
    "wl_surface@5.commit()",
  ]);
  // before what is known is too old, it is asked for again
  scene.time = 50_600;
  assert.deepEqual(scene.commitAt(50, 616_000_000), [
    timeSet(1_000_000, 616_000_000),
    "wp_presentation#1.feedback(wl_surface@5, new wp_presentation_feedback#2)",
    "wl_surface@5.commit()",
  ]);
});

Deno.test("while an answer is awaited the host is not asked at every commit", () => {
  using scene = new ClockScene();
  assert.equal(scene.commitAt(50).length, 3);
  scene.time += 16;
  assert.deepEqual(scene.commitAt(50), ["wl_surface@5.commit()"]);
  // a picture that was never shown: the next one may be
  scene.time += 600;
  assert.equal(scene.commitAt(51).length, 2);
});

Deno.test("a client that hears of moments itself is not asked for", () => {
  using scene = new ClockScene();
  scene.time = 50_000;
  scene.presented(1_000_000, 0);
  assert.deepEqual(scene.commitAt(50, 16_000_000), [
    timeSet(1_000_000, 16_000_000),
    "wl_surface@5.commit()",
  ]);
});

Deno.test("a host that tells no moments is asked for none", () => {
  using scene = new ShadowScene([[10, "wp_commit_timing_manager_v1", 1]]);
  scene.world.bind(10, "wp_commit_timing_manager_v1", 1, 6);
  const { client } = scene;
  const timer = { id: 7, surface: SURFACE };
  client.say(6, "wp_commit_timing_manager_v1.get_timer", timer);
  scene.hostHeard();
  for (let i = 0; i < 2; i++) {
    client.say(7, "wp_commit_timer_v1.set_timestamp", timestamp(50, 0));
    client.commit(SURFACE);
    scene.hostMustHear("wl_surface@5.commit()");
  }
});

const HOUR = 3_600_000;

Deno.test("after the virtual machine was suspended moments are told and asked for in the right clock", () => {
  using scene = new ClockScene();
  scene.time = 50_000;
  scene.presented(1_000_000, 0);
  // the host went on meanwhile, the machine did not
  scene.time = 50_100;
  assert.deepEqual(scene.presented(1_003_600, 100_000_000), [
    shownAt(50, 100_000_000),
  ]);
  scene.setTime(50, 116_000_000);
  scene.hostMustHear(timeSet(1_003_600, 116_000_000));
});

Deno.test("after the host was suspended, and the machine's clock ran on, no commit waits for as long as that took", () => {
  using scene = new ClockScene();
  scene.time = 50_000;
  scene.presented(1_000_000, 0);
  scene.time += HOUR;
  assert.doesNotMatch(scene.commitAt(3650, 16_000_000).join(), /set_timestamp/);
  scene.time += 100;
  assert.deepEqual(scene.presented(1_000_000, 100_000_000), [
    shownAt(3_650, 100_000_000),
  ]);
  scene.setTime(3650, 116_000_000);
  scene.hostMustHear(timeSet(1_000_000, 116_000_000));
});

Deno.test("what is no timestamp is left to the host to refuse", () => {
  using scene = new ClockScene();
  scene.setTime(50, 1_000_000_000);
  scene.hostMustHear(timeSet(50, 1_000_000_000));
});

Deno.test("on this machine's own compositor clocks are left alone", () => {
  using scene = new ClockScene({ host: { carriages: {} } });
  scene.host.say(6, "wp_presentation.clock_id", { "clk_id": 4 });
  scene.clientMustHear("wp_presentation@6.clock_id(4)");
  assert.deepEqual(scene.presented(1_000_000, 3), [shownAt(1_000_000, 3)]);
});
