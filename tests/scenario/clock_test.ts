/** Moments, told and asked for, where the host's clock is another. */
import assert from "node:assert/strict";
import { presentationClock } from "../../src/relay/features/presentation/presentation_clock.ts";
import { SURFACE } from "./support/buffer_scene.ts";
import { ShadowScene } from "./support/shadow_scene.ts";
import type { WorldOptions } from "./support/world.ts";

/** A client with `wp_presentation` (6), and a feedback (7) and a timer (9) of its surface. */
class ClockScene extends ShadowScene {
  /** Our clock, in milliseconds. */
  time = 0;

  constructor(options: WorldOptions = {}) {
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
    this.say(6, "wp_presentation.feedback", SURFACE, 7);
    this.world.bind(10, "wp_commit_timing_manager_v1", 1, 8);
    this.say(8, "wp_commit_timing_manager_v1.get_timer", 9, SURFACE);
    this.hostHeard();
  }

  /** The client gives its next picture a moment. */
  commitAt(seconds: number, nanoseconds = 0): string[] {
    const name = "wp_commit_timer_v1.set_timestamp";
    this.say(9, name, 0, seconds, nanoseconds);
    this.say(SURFACE, "wl_surface.commit");
    return this.hostHeard();
  }

  presented(seconds: number, nanoseconds: number): string[] {
    const name = "wp_presentation_feedback.presented";
    const { host } = this.world;
    host.say(7, name, 0, seconds, nanoseconds, 16_666_666, 0, 5, 1);
    return this.clientHeard();
  }
}

Deno.test("the client is told of its own monotonic clock, whichever the host has", () => {
  using scene = new ClockScene();
  scene.world.host.say(6, "wp_presentation.clock_id", 4);
  assert.deepEqual(scene.clientHeard(), ["wp_presentation@6.clock_id(1)"]);
});

Deno.test("the client gets presentation times in its own clock", () => {
  using scene = new ClockScene();
  scene.time = 50_000.25;
  assert.deepEqual(scene.presented(1_000_000, 999_750_000), [
    "wp_presentation_feedback@7.presented(0, 50, 250000, 16666666, 0, 5, 1)",
  ]);
});

Deno.test("a moment that the client asks for reaches the host in the host's clock", () => {
  using scene = new ClockScene();
  scene.time = 50_000;
  scene.presented(1_000_000, 0);
  scene.say(9, "wp_commit_timer_v1.set_timestamp", 0, 50, 16_000_001);
  assert.deepEqual(scene.hostHeard(), [
    "wp_commit_timer_v1@9.set_timestamp(0, 1000000, 16000001)",
  ]);
});

Deno.test("a moment that cannot be translated yet is not asked for, but the next one is, since the relay asks for the host's time itself", () => {
  using scene = new ClockScene();
  const [bound = "", asked = "", ...others] = scene.commitAt(50);
  assert.match(bound, /^wl_registry@2\.bind\(9, new wp_presentation v1@/);
  const [, feedback] =
    /^wp_presentation@\d+\.feedback\(wl_surface@5, new wp_presentation_feedback@(\d+)\)$/
      .exec(asked) ?? [];
  assert.ok(feedback !== undefined, asked);
  assert.deepEqual(others, ["wl_surface@5.commit()"]);
  scene.time = 50_000;
  const { host } = scene.world;
  const name = "wp_presentation_feedback.presented";
  host.say(Number(feedback), name, 0, 1_000_000, 0, 16_666_666, 0, 5, 1);
  host.say(1, "wl_display.delete_id", Number(feedback));
  assert.deepEqual(scene.clientHeard(), []);
  scene.time = 50_400;
  assert.deepEqual(scene.commitAt(50, 416_000_000), [
    "wp_commit_timer_v1@9.set_timestamp(0, 1000000, 416000000)",
    "wl_surface@5.commit()",
  ]);
  // before what is known is too old, it is asked for again
  scene.time = 50_600;
  const [timed, askedAgain = "", commit] = scene.commitAt(50, 616_000_000);
  assert.equal(
    timed,
    "wp_commit_timer_v1@9.set_timestamp(0, 1000000, 616000000)",
  );
  assert.match(askedAgain, /^wp_presentation@\d+\.feedback\(wl_surface@5, /);
  assert.equal(commit, "wl_surface@5.commit()");
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
    "wp_commit_timer_v1@9.set_timestamp(0, 1000000, 16000000)",
    "wl_surface@5.commit()",
  ]);
});

Deno.test("a host that tells no moments is asked for none", () => {
  using scene = new ShadowScene([[10, "wp_commit_timing_manager_v1", 1]]);
  scene.world.bind(10, "wp_commit_timing_manager_v1", 1, 6);
  scene.say(6, "wp_commit_timing_manager_v1.get_timer", 7, SURFACE);
  scene.hostHeard();
  for (let i = 0; i < 2; i++) {
    scene.say(7, "wp_commit_timer_v1.set_timestamp", 0, 50, 0);
    scene.say(SURFACE, "wl_surface.commit");
    assert.deepEqual(scene.hostHeard(), ["wl_surface@5.commit()"]);
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
    "wp_presentation_feedback@7.presented(0, 50, 100000000, 16666666, 0, 5, 1)",
  ]);
  scene.say(9, "wp_commit_timer_v1.set_timestamp", 0, 50, 116_000_000);
  assert.deepEqual(scene.hostHeard(), [
    "wp_commit_timer_v1@9.set_timestamp(0, 1003600, 116000000)",
  ]);
});

Deno.test("after the host was suspended, and the machine's clock ran on, no commit waits for as long as that took", () => {
  using scene = new ClockScene();
  scene.time = 50_000;
  scene.presented(1_000_000, 0);
  scene.time += HOUR;
  assert.ok(
    !scene.commitAt(3650, 16_000_000).some((line) =>
      /set_timestamp/.test(line)
    ),
  );
  scene.time += 100;
  assert.deepEqual(scene.presented(1_000_000, 100_000_000), [
    "wp_presentation_feedback@7.presented(0, 3650, 100000000, 16666666, 0, 5, 1)",
  ]);
  scene.say(9, "wp_commit_timer_v1.set_timestamp", 0, 3650, 116_000_000);
  assert.deepEqual(scene.hostHeard(), [
    "wp_commit_timer_v1@9.set_timestamp(0, 1000000, 116000000)",
  ]);
});

Deno.test("what is no timestamp is left to the host to refuse", () => {
  using scene = new ClockScene();
  scene.say(9, "wp_commit_timer_v1.set_timestamp", 0, 50, 1_000_000_000);
  assert.deepEqual(scene.hostHeard(), [
    "wp_commit_timer_v1@9.set_timestamp(0, 50, 1000000000)",
  ]);
});

Deno.test("on this machine's own compositor clocks are left alone", () => {
  using scene = new ClockScene({ host: { carriages: {} } });
  scene.world.host.say(6, "wp_presentation.clock_id", 4);
  assert.deepEqual(scene.clientHeard(), ["wp_presentation@6.clock_id(4)"]);
  assert.deepEqual(scene.presented(1_000_000, 3), [
    "wp_presentation_feedback@7.presented(0, 1000000, 3, 16666666, 0, 5, 1)",
  ]);
});
