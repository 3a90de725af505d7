/**
 * What happens in a world: ordinary traffic in random order, and then the ways
 * in which it can go wrong.
 */
import { FuzzFailure } from "./failure.ts";
import { spoilBytes, spoilLabels, spoilMessage } from "./mutations.ts";
import type { Random } from "../support/random.ts";
import { judge, type Verdict } from "./verdict.ts";
import type { FuzzWorld } from "./world.ts";

/** The ways in which a world ends. */
export type Scene =
  | "client leaves"
  | "host leaves"
  | "relay is disposed of"
  | WrongScene;
type WrongScene =
  | "client is wrong"
  | "client sends noise"
  | "host is wrong"
  | "host sends noise"
  | "both send noise";

/** Which way, in percent. */
const SHARES: readonly (readonly [Scene, number])[] = [
  ["client leaves", 6],
  ["host leaves", 6],
  ["relay is disposed of", 4],
  ["client is wrong", 24],
  ["client sends noise", 18],
  ["host is wrong", 24],
  ["host sends noise", 14],
  ["both send noise", 4],
];

/** Picks the way in which a world ends. */
export function chooseScene(random: Random): Scene {
  let left = random.below(100);
  for (const [scene, share] of SHARES) {
    if (left < share) return scene;
    left -= share;
  }
  return "client leaves";
}

const IMPLEMENTATION = 3;
const NO_ERROR = null;

/**
 * A peer that reads seldom lets everything pile up in the relay; now and then
 * all must have arrived, nevertheless.
 */
const MOST_UNREAD = 1_000;

/**
 * Legal traffic, about `messages` of it, with everything that can be late being
 * late at times.
 */
export function ordinaryTraffic(
  world: FuzzWorld,
  random: Random,
  messages: number,
): void {
  const { client, host } = world;
  // how often, in percent, they read when they could
  const clientReads = random.pick([100, 100, 20, 1]);
  const hostReads = random.pick([100, 100, 20, 1]);
  const end = world.messages + messages;
  let settled = world.messages;
  // a world that finds nothing to say must end, too
  for (let acts = 0; world.messages < end && acts < messages; acts++) {
    if (client.wire.pending > 0) client.wire.flush();
    if (host.wire.pending > 0) host.wire.flush();
    const act = random.below(16);
    if (act < 4) client.sendBatch(1 + random.below(40));
    else if (act < 7) host.sendBatch(1 + random.below(30));
    else if (act < 11) world.turn();
    else if (act < 13) {
      if (random.chance(clientReads)) client.listen();
    } else if (act < 15) {
      if (random.chance(hostReads)) host.listen();
    } else world.resume();
    if (
      world.messages - settled > MOST_UNREAD || (act === 0 && random.chance(10))
    ) {
      world.settle();
      settled = world.messages;
    }
    if (world.ends > 0) {
      if (isRightlyEnded(world)) return;
      throw new FuzzFailure("a legal world has ended");
    }
  }
}

/**
 * A relay that looks into buffers says what a compositor would say of senseless
 * ones.
 */
function isRightlyEnded(world: FuzzWorld): boolean {
  world.quiet();
  return world.isShadowed && world.client.error !== null;
}

/**
 * Ends a world in the way that the scene says. Some scenes go wrong many times
 * before.
 */
export function play(world: FuzzWorld, random: Random, scene: Scene): void {
  world.holds = 0;
  if (world.isShadowed) {
    world.quiet();
    if (world.ends > 0 && isRightlyEnded(world)) return;
  }
  switch (scene) {
    case "client leaves":
      clientLeaves(world, random);
      break;
    case "host leaves":
      hostLeaves(world, random);
      break;
    case "relay is disposed of":
      world.relay[Symbol.dispose]();
      expectEnd(world, NO_ERROR);
      break;
    default:
      goWrong(world, random, scene);
  }
}

/** What was said before somebody left is still delivered. */
function clientLeaves(world: FuzzWorld, random: Random): void {
  if (random.chance(50)) world.settle();
  const { client, host } = world;
  if (client.wire.pending === 0) client.sendBatch(20);
  while (!client.wire.flush()) world.quiet();
  client.wire.close();
  world.quiet();
  if (!host.isKnown) host.sendBatch(1);
  world.quiet();
  if (world.ends !== 1) throw new FuzzFailure("the client left unnoticed");
  if (!host.wire.closed) throw new FuzzFailure("the host is still connected");
  const lost = world.requests.finish();
  if (lost !== null) throw new FuzzFailure(`the client left, and ${lost}`);
}

function hostLeaves(world: FuzzWorld, random: Random): void {
  if (random.chance(50)) world.settle();
  const { client, host } = world;
  if (host.wire.pending === 0) host.sendBatch(20);
  while (!host.wire.flush()) world.quiet();
  host.wire.close();
  expectEnd(world, { objectId: 1, code: IMPLEMENTATION });
  const lost = world.events.finish();
  if (lost !== null) throw new FuzzFailure(`the host left, and ${lost}`);
  if (client.error === null) throw new FuzzFailure("the client was not told");
}

/** Wrong messages again and again, until one of them ends the world. */
function goWrong(world: FuzzWorld, random: Random, scene: WrongScene): void {
  const { client, host } = world;
  // what is no text does not survive being decoded
  world.rewrites = 0;
  const rounds = 1 + random.below(40);
  for (let round = 0; round < rounds; round++) {
    if (random.chance(50)) sayMore(world, random);
    world.settle();
    if (world.ends > 0 && isRightlyEnded(world)) return;
    const isGuess = scene === "both send noise";
    if (isGuess) client.isLost = host.isLost = true;
    const first = wrongBatch(world, random, scene, "client");
    const second = wrongBatch(world, random, scene, "host");
    const verdict = first.verdict ?? second.verdict;
    // what comes after it is not known either
    if (verdict !== null && (world.isShadowed || !verdict.isCertain)) {
      client.isLost = host.isLost = true;
    }
    world.quiet();
    if (!isGuess) checkOutcome(world, verdict);
    if (world.ends > 0) return;
    // half a message is left in the relay, or nobody knows any more what is
    // legal
    if (first.isCut || second.isCut || client.isLost || host.isLost) break;
  }
  client.wire.close();
  world.quiet();
  if (world.ends !== 1) throw new FuzzFailure("the client left unnoticed");
}

/**
 * Legal messages, where no descriptor of a wrong one is left that they would
 * get for theirs.
 */
function sayMore({ client, host }: FuzzWorld, random: Random): void {
  if (client.sentLabels.length === 0) client.sendBatch(1 + random.below(20));
  if (host.sentLabels.length === 0) host.sendBatch(1 + random.below(20));
}

/** What a batch that may be wrong brings. */
interface Outcome {
  readonly verdict: Verdict | null;
  /** Whether its last message is not whole. */
  readonly isCut: boolean;
}

const NOTHING: Outcome = { verdict: null, isCut: false };

function wrongBatch(
  world: FuzzWorld,
  random: Random,
  scene: WrongScene,
  who: "client" | "host",
): Outcome {
  if (scene !== "both send noise" && !scene.startsWith(who)) return NOTHING;
  const peer = world[who];
  const { writer, wire, sentLabels } = peer;
  if (wire.pending > 0) return NOTHING;
  writer.reset();
  if (sentLabels.length === 0) {
    for (let i = random.below(5); i > 0; i--) peer.writeOne();
  }
  const start = writer.at << 2;
  const labelsFrom = writer.labels.length;
  const end = scene.endsWith("wrong")
    ? writeWrong(world, random, who, labelsFrom)
    : writeNoise(world, random, who, labelsFrom);
  sentLabels.push(...writer.labels.slice(labelsFrom));
  let legalEnd = start;
  const verdict = judge(
    peer.rules,
    writer.words,
    writer.bytes,
    start,
    end,
    sentLabels,
    (heard, size) => {
      legalEnd += size;
      peer.said(heard);
    },
  );
  world.messages++;
  if (end > 0) wire.send(end, writer.labels);
  return { verdict, isCut: verdict === null && legalEnd < end };
}

/** One message that is nearly right. @returns the end of the batch */
function writeWrong(
  world: FuzzWorld,
  random: Random,
  who: "client" | "host",
  labelsFrom: number,
): number {
  const { writer, view } = world[who];
  const { at } = writer;
  for (let tries = 0; tries < 20; tries++) {
    if (world[who].writeUnsaid() === 0) continue;
    if (random.chance(90)) {
      spoilMessage(random, view, writer, at, labelsFrom);
    }
    break;
  }
  return writer.at << 2;
}

/** Bytes that were messages once, or never. @returns the end of the batch */
function writeNoise(
  world: FuzzWorld,
  random: Random,
  who: "client" | "host",
  labelsFrom: number,
): number {
  const { writer } = world[who];
  const start = writer.at << 2;
  for (let i = random.below(6); i > 0; i--) world[who].writeUnsaid();
  const end = spoilBytes(random, writer.bytes, start, writer.at << 2);
  if (end > 0 && random.chance(20)) {
    spoilLabels(random, writer.labels, labelsFrom);
  }
  if (end === 0) writer.labels.length = 0;
  return end;
}

/** Only who deserves it was ended, and with the right words. */
function checkOutcome(world: FuzzWorld, verdict: Verdict | null): void {
  if (verdict === null) {
    if (world.ends === 0 || isRightlyEnded(world)) return;
    throw new FuzzFailure("a world ended whose messages were legal");
  }
  if (world.ends > 0) {
    const isCertain = verdict.isCertain && !world.isShadowed;
    expectEnd(world, isCertain ? verdict : null);
  } else if (verdict.isCertain && !world.isShadowed) {
    throw new FuzzFailure(`the relay lets this through: ${verdict.why}`);
  }
}

/**
 * The world ends once, both sides are closed, and the client was told what it
 * should be.
 */
function expectEnd(
  world: FuzzWorld,
  expected: { readonly objectId: number; readonly code: number } | null,
): void {
  world.quiet();
  const { client, host, ends } = world;
  if (ends !== 1) throw new FuzzFailure(`the relay ended ${ends} times`);
  if (!client.wire.closed || !host.wire.closed) {
    throw new FuzzFailure("a connection is still open after the end");
  }
  if (expected === null) return;
  const { error } = client;
  if (error === null) throw new FuzzFailure("the client was not told");
  const { object, code } = error;
  if (code === expected.code && object?.id === expected.objectId) return;
  throw new FuzzFailure(
    `the client was told ${object} ${code}, not ${
      expected.objectId >>> 0
    } ${expected.code}`,
  );
}
