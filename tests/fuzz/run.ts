/**
 * World after world in one loop, each from its own seed, with what must hold
 * after every one of them.
 */
import { openFdCount } from "../support/descriptors.ts";
import { ManualLoop } from "../support/manual_loop.ts";
import { Policy } from "../../src/policy/policy.ts";
import { standardFeatures } from "../../src/relay/features/standard.ts";
import { relayFeatures } from "../../src/relay/relay.ts";
import { Bystander } from "./bystander.ts";
import { Descriptors } from "./descriptors.ts";
import { FuzzFailure } from "./failure.ts";
import { fuzzFeature, type Whims } from "./fuzz_feature.ts";
import { GLOBAL_NAMES } from "./host_peer.ts";
import { Random } from "../support/random.ts";
import { chooseScene, ordinaryTraffic, play } from "./scenes.ts";
import { FuzzWorld, type Surroundings, type WorldKind } from "./world.ts";

export interface FuzzOptions {
  readonly seed: number;
  /** Stops when so many have been said. */
  readonly messages: number;
  /** Runs this world alone. */
  readonly world: number | null;
  /** Is told now and then. */
  readonly onProgress?: (totals: FuzzTotals) => void;
}

export interface FuzzTotals {
  worlds: number;
  messages: number;
  /** Messages that reached the other side, the same but for their ids. */
  delivered: number;
}

/**
 * Of the ordinary traffic in a world, at most, in messages. Most worlds are
 * short, since their end is what matters.
 */
const LENGTHS = [1, 10, 20, 20, 50, 50, 100, 100, 1000];
const FLOOD = 20_000;
const TAG = "[vm] ";

/**
 * Runs.
 *
 * @throws {FuzzFailure} with the seed and the world's number, and what happened
 * in it
 */
export function fuzz(options: FuzzOptions): FuzzTotals {
  using own = new DisposableStack();
  const around: Surroundings = {
    // its clock stands still: whatever else this machine does, nothing takes
    // too long
    loop: own.use(new ManualLoop()),
    descriptors: own.use(new Descriptors()),
    whims: null,
  };
  const kinds = worldKinds(around);
  const bystander = own.use(new Bystander(around.loop));
  const totals = { worlds: 0, messages: 0, delivered: 0 };
  // what is opened once, a timer say, is open after the first world
  runWorld(around, kinds, options.seed, -1, bystander, totals);
  const open = openFdCount();
  const { timerCount, watchCount } = around.loop;
  totals.messages = totals.delivered = totals.worlds = 0;
  let number = options.world ?? 0;
  while (totals.messages < options.messages) {
    runWorld(around, kinds, options.seed, number, bystander, totals);
    const left = openFdCount() - open;
    if (left !== 0) {
      throw new FuzzFailure(
        `${left} file descriptors are left open after ${
          place(options.seed, number)
        }`,
      );
    }
    const timers = around.loop.timerCount - timerCount;
    const watches = around.loop.watchCount - watchCount;
    if (timers !== 0 || watches !== 0) {
      throw new FuzzFailure(
        `${timers} timers and ${watches} watches are left after ${
          place(options.seed, number)
        }`,
      );
    }
    if (options.world !== null) break;
    number++;
    if (number % 1000 === 0) options.onProgress?.(totals);
  }
  return totals;
}

function runWorld(
  around: Surroundings,
  kinds: readonly WorldKind[],
  seed: number,
  number: number,
  bystander: Bystander,
  totals: FuzzTotals,
): void {
  const random = new Random(seed, number);
  const scene = chooseScene(random);
  using world = new FuzzWorld(around, random.pick(kinds), random);
  try {
    const length = random.below(200) === 0 ? FLOOD : random.pick(LENGTHS);
    // nothing is drawn before much is set up
    const setUp = world.isShadowed ? 200 : 0;
    ordinaryTraffic(world, random, setUp + random.below(length));
    bystander.step();
    play(world, random, scene);
    bystander.step();
    const internal = world.log.find((line) => line.startsWith("internal"));
    if (internal !== undefined) throw new FuzzFailure(internal);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new FuzzFailure(
      `${why}\n  at ${
        place(seed, number)
      } ("${scene}"), after\n  ${world.story}`,
      { cause: error },
    );
  }
  totals.worlds++;
  totals.messages += world.messages;
  totals.delivered += world.requests.delivered + world.events.delivered;
}

function place(seed: number, number: number): string {
  return `--seed ${seed} --world ${number}`;
}

function worldKinds(around: Surroundings): readonly WorldKind[] {
  const feature = fuzzFeature((): Whims => {
    if (around.whims === null) throw new TypeError("no world is being made");
    return around.whims;
  });
  const denied = new Policy({
    allow: GLOBAL_NAMES,
    deny: ["wl_data_device_manager"],
  });
  const plain = relayFeatures(standardFeatures({ tag: "" }));
  const tagged = relayFeatures(standardFeatures({ tag: TAG }));
  const whimsical = relayFeatures([...standardFeatures({ tag: "" }), feature]);
  const ordinary: WorldKind = {
    policy: new Policy({ allow: GLOBAL_NAMES, deny: [] }),
    features: plain,
    tag: "",
    isTraced: false,
    isShadowed: false,
  };
  return [
    ordinary,
    { ...ordinary, features: whimsical },
    { ...ordinary, features: whimsical, isTraced: true },
    { ...ordinary, policy: denied, features: tagged, tag: TAG, isTraced: true },
    { ...ordinary, isTraced: true, isShadowed: true },
    { ...ordinary, policy: new Policy() },
  ];
}
