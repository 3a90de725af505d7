/**
 * Client or host are killed before, with and in the middle of every step of a
 * session: the other side is told, and the rest lives.
 */
import assert from "node:assert/strict";
import { Bystander } from "../fuzz/bystander.ts";
import { SessionWorld } from "./support/session_world.ts";
import { SESSION, type Step } from "./support/session_steps.ts";
import { openFdCount } from "../support/descriptors.ts";
import { ManualLoop } from "../support/manual_loop.ts";

type Side = "client" | "host";

/**
 * When a side dies: everything before the step has arrived; the step was sent,
 * and nobody has read it; half of it was sent.
 */
type Moment = "before" | "with" | "in the middle of";

/**
 * What either side hears of the session, and how much of it after each step.
 */
interface Reference {
  readonly lines: { readonly [side in Side]: readonly string[] };
  readonly counts: readonly { readonly [side in Side]: number }[];
}

const KNOWN_FROM = SESSION.findIndex(({ name }) => name === "wl_callback.done");
const LAST_WORDS =
  'wl_display@1.error(wl_display@1, 3, "the compositor closed the connection")';
const PING = /^wl_display@1\.sync\(new wl_callback#\d+\)$/;

function playReference(): Reference {
  using loop = new ManualLoop();
  using world = new SessionWorld(loop);
  const lines: { [side in Side]: string[] } = {
    client: [],
    host: world.host.heard(),
  };
  const counts = SESSION.map((step) => {
    world.take(step);
    world.settle();
    lines.client.push(...world.client.heard());
    lines.host.push(...world.host.heard());
    return { client: lines.client.length, host: lines.host.length };
  });
  assert.equal(world.ends, 0, world.log.join("\n"));
  return { lines, counts };
}

const reference = playReference();

/**
 * How many lines a side hears of the first `steps` steps, at least; and at
 * most, what is held among them included.
 */
function heardOf(side: Side, steps: number): readonly [number, number] {
  const least = reference.counts[steps - 1]?.[side] ??
    (side === "host" ? 2 : 0);
  const held = side === "host" ? "requests" : "events";
  const next = SESSION.findIndex((step, index) =>
    index >= steps && step.by === "relay" && step.name === held
  );
  const most = next < 0 || next - steps > 3 ? least : reference.counts[next];
  return [least, typeof most === "number" ? most : most?.[side] ?? least];
}

function play(
  loop: ManualLoop,
  index: number,
  step: Step,
  moment: Moment,
  victim: Side,
): void {
  const what = `${victim} killed ${moment} step ${index}`;
  using world = new SessionWorld(loop);
  for (const before of SESSION.slice(0, index)) {
    world.take(before);
    world.settle();
  }
  if (moment === "with") world.take(step);
  if (moment === "in the middle of" && step.by !== "relay") {
    world.takeHalf(step);
  }
  world.kill(victim);
  world.settle();
  world.wait();

  assert.equal(world.ends, 1, what);
  const survivor = victim === "client" ? "host" : "client";
  assert.ok(world[survivor].closed, `${what}: nobody told the ${survivor}`);
  const heard = world[survivor].heard();
  if (victim === "host") assert.equal(heard.pop(), LAST_WORDS, what);
  // before the host's globals are known nobody looks whether the client is
  // still there
  else if (index <= KNOWN_FROM) {
    while (PING.test(heard.at(-1) ?? "") && heard.length > 2) heard.pop();
  }
  const [least] = heardOf(survivor, index);
  const [, most] = heardOf(survivor, moment === "with" ? index + 1 : index);
  assert.deepEqual(
    heard,
    reference.lines[survivor].slice(0, heard.length),
    what,
  );
  const isWhole = moment === "with" && step.by === victim;
  const needed = isWhole ? heardOf(survivor, index + 1)[0] : least;
  assert.ok(
    heard.length >= needed && heard.length <= most,
    `${what}: ${heard.length} lines, not ${needed} to ${most}`,
  );
}

for (const [index, step] of SESSION.entries()) {
  Deno.test(`either side may die at step ${index}, ${step.by}: ${step.name}`, () => {
    using loop = new ManualLoop();
    using bystander = new Bystander(loop);
    bystander.step();
    const open = openFdCount();
    const { timerCount, watchCount } = loop;
    for (const victim of ["client", "host"] as const) {
      for (const moment of ["before", "with", "in the middle of"] as const) {
        play(loop, index, step, moment, victim);
        bystander.step();
        assert.equal(openFdCount(), open, "descriptors are left open");
        assert.deepEqual(
          { timerCount: loop.timerCount, watchCount: loop.watchCount },
          { timerCount, watchCount },
        );
      }
    }
  });
}
