/**
 * One run of a program on a host: started, a line typed, its menu opened,
 * resized and closed, with a screenshot after each step.
 *
 * A first run, without expectations, takes each screenshot when the picture has
 * settled. A run that is compared with an earlier one waits at each step until
 * the picture is as expected, so that nothing depends on how fast either is.
 */
import assert from "node:assert/strict";
import {
  BACKGROUND,
  type HostCompositor,
  PARKED_POINTER,
} from "../support/host.ts";
import {
  countColours,
  countDifferences,
  crop,
  difference,
  encodePng,
  type Image,
  likeness,
  paintedArea,
  type Rectangle,
  without,
} from "../support/image.ts";
import {
  asUnprivilegedUser,
  giveToUnprivilegedUser,
  openToEverybody,
} from "../support/nobody.ts";
import type { TestProcess } from "../support/process.ts";
import { delay, eventually } from "../support/wait.ts";
import { prepareHome, type Program, startProgram } from "./program.ts";

/** What was on the screen after a step. */
export interface Shot {
  readonly step: string;
  readonly image: Image;
  readonly area: Rectangle;
}

/**
 * How long a program may take to show what a step leads to, where nothing else
 * is said.
 */
const STEP_MS = 30_000;

/**
 * The part of a step's time that a click may take to open something, until it
 * is taken for lost: a second one closes what the first opens.
 */
const CLICK_SHARE = 1 / 3;

/**
 * How long a program may take to end: some hosts tell a proxy nothing, and it
 * finds out after 30 s.
 */
const END_MS = 60_000;

/** How far below the name of a menu its first entry is, in pixels. */
const MENU_ENTRY = 30;

/**
 * More pixels than a button has that is lit because the pointer is there; a
 * menu has many times that.
 */
const LIT_BUTTON = 4_000;

/**
 * How much alike the windows of a program that never looks the same must be.
 */
const ALIKE = 0.85;

/**
 * Runs a program on `host`, connected to `waylandDisplay`, and compares what it
 * shows with `expected`, where given. `home` is emptied first; it is the same
 * for runs that are compared, since programs show its path.
 */
export async function runSession(
  host: HostCompositor,
  waylandDisplay: string,
  home: string,
  program: Program,
  expected?: readonly Shot[],
  stepMs = STEP_MS,
): Promise<Shot[]> {
  prepareHome(home, program);
  openToEverybody(waylandDisplay);
  if (program.runsAsNobody) giveToUnprivilegedUser(home);
  await using application = startProgram(
    program.runsAsNobody ? asUnprivilegedUser(program.argv) : program.argv,
    home,
    waylandDisplay,
    program.environment,
  );
  const session = new Session(host, program, application, expected, stepMs);
  await session.take("started");
  if (program.typed !== undefined) {
    for (const keys of program.beforeTyping ?? []) await host.press(keys);
    await host.type(program.typed);
    await session.take("typed");
  }
  const menu = program.menu?.[host.name];
  if (menu !== undefined) {
    const area = session.shots.at(-1)?.area ?? { x: 0, y: 0 };
    await session.open(() => host.click(area.x + menu.x, area.y + menu.y));
    // Whether an entry of the menu is lit depends on what came first, the menu
    // or the pointer: light one.
    const [x, y] = [area.x + menu.x, area.y + menu.y + MENU_ENTRY];
    await session.take("menu opened", async () => {
      await host.move(x + 1, y);
      await host.move(x, y);
    });
    await host.press("Escape");
    // What lies below the pointer may stay lit where it leaves before the menu
    // has closed.
    await session.take("menu closed", async () => {
      await host.move(x, y);
      await host.parkPointer();
    });
  }
  if (host.name !== "weston" || program.endsWhenMaximized === undefined) {
    await host.resizeWindow();
    await session.take("resized");
  }
  for (const keys of program.beforeClose ?? []) await host.press(keys);
  await host.closeWindow();
  if (host.name !== "weston" && program.asksOnClose !== undefined) {
    await session.take("asked whether to save");
    await host.press(program.asksOnClose);
  }
  if (program.outlivesItsWindow) {
    if (host.name !== "weston") {
      await eventually(
        `the window of ${program.name} is gone`,
        stepMs,
        async () => {
          return await host.windowArea() === undefined ? true : undefined;
        },
      );
    }
    application.signal("SIGTERM");
  }
  const ending = await application.end(END_MS);
  if (host.name !== "weston") {
    assert.equal(
      ending,
      program.closedStatus ?? 0,
      `status of ${program.name}, which said\n${application.log()}`,
    );
  }
  return session.shots;
}

class Session {
  readonly shots: Shot[] = [];
  readonly #host: HostCompositor;
  readonly #program: Program;
  readonly #application: TestProcess;
  readonly #expected: readonly Shot[] | undefined;
  readonly #stepMs: number;

  constructor(
    host: HostCompositor,
    program: Program,
    application: TestProcess,
    expected: readonly Shot[] | undefined,
    stepMs: number,
  ) {
    this.#stepMs = stepMs;
    this.#host = host;
    this.#program = program;
    this.#application = application;
    this.#expected = expected;
  }

  /**
   * Takes the screenshot of a step, and fails when it is not as expected or the
   * step has changed nothing.
   *
   * @param urge is done before, and again while the screen is not as expected:
   * what an application may miss while it is busy
   */
  async take(
    step: string,
    urge: () => Promise<void> = async () => {},
  ): Promise<void> {
    const expected = this.#expected?.find((shot) => shot.step === step);
    await urge();
    if (expected === undefined) {
      await this.#settled(step);
      await urge();
    }
    const shot = expected === undefined
      ? await this.#settled(step)
      : this.#program.judgement.pixels === "equal"
      ? await this.#equal(step, expected, urge)
      : await this.#alike(step, expected);
    this.shots.push(shot);
  }

  /**
   * Clicks until more than a button that was lit has changed since the last
   * step: a busy application may miss a click.
   */
  async open(click: () => Promise<void>): Promise<void> {
    const before = this.shots.at(-1);
    let clickedAt = -Infinity;
    await eventually(`${this.#program.name} opens`, this.#stepMs, async () => {
      const now = await this.#mapped("");
      if (
        before === undefined ||
        countDifferences(before.image, now.image) > LIT_BUTTON
      ) return true;
      if (performance.now() - clickedAt > this.#stepMs * CLICK_SHARE) {
        await click();
        clickedAt = performance.now();
      }
      return undefined;
    });
  }

  async #settled(step: string): Promise<Shot> {
    const before = this.shots.at(-1);
    const settledMs = this.#program.settledMs ?? 500;
    const animated = this.#program.judgement.pixels === "alike";
    let last = await this.#mapped(step);
    let since = performance.now();
    const deadline = since + this.#stepMs;
    while (
      performance.now() - since < settledMs ||
      (!animated && before !== undefined && isSame(before, last))
    ) {
      if (performance.now() > deadline) {
        throw this.#failure(
          `has not shown what ${step} should lead to within ${this.#stepMs} ms`,
          { before, last },
        );
      }
      await delay(60);
      const next = await this.#mapped(step);
      const settles = animated ? isSameSize(last, next) : isSame(last, next);
      if (!settles) since = performance.now();
      last = next;
    }
    return last;
  }

  async #equal(
    step: string,
    expected: Shot,
    urge: () => Promise<void>,
  ): Promise<Shot> {
    const { judgement } = this.#program;
    const tolerated = judgement.pixels === "equal"
      ? judgement.butFor?.pixels ?? 0
      : 0;
    let last: Shot | undefined;
    try {
      return await eventually("", this.#stepMs, async () => {
        last = await this.#mapped(step);
        if (countDifferences(expected.image, last.image) <= tolerated) {
          return last;
        }
        await urge();
        return undefined;
      });
    } catch (error) {
      if (last === undefined) throw error;
      const where = JSON.stringify(difference(expected.image, last.image));
      throw this.#failure(
        `does not look as expected when ${step}: pixels differ in ${where}`,
        { expected, last },
      );
    }
  }

  async #alike(step: string, expected: Shot): Promise<Shot> {
    let last: Shot | undefined;
    try {
      return await eventually("", this.#stepMs, async () => {
        last = await this.#mapped(step);
        if (!this.#sizeVaries && !isSameSize(expected, last)) return undefined;
        const one = this.#judgedPart(expected);
        const other = this.#judgedPart(last);
        const colours = Math.min(8, countColours(one, 8));
        return likeness(one, other) >= ALIKE &&
            countColours(other, colours) === colours
          ? last
          : undefined;
      });
    } catch (error) {
      if (last === undefined) throw error;
      const sizes = [expected, last].map((shot) =>
        `${shot.area.width}x${shot.area.height}`
      ).join(", now ");
      throw this.#failure(`does not look alike when ${step}: it was ${sizes}`, {
        expected,
        last,
      });
    }
  }

  get #sizeVaries(): boolean {
    return this.#program.judgement.pixels === "alike" &&
      this.#program.judgement.sizeVaries === true;
  }

  #judgedPart(shot: Shot): Image {
    return this.#sizeVaries ? shot.image : crop(shot.image, shot.area);
  }

  /** A screenshot in which the program has a window with something in it. */
  async #mapped(step: string): Promise<Shot> {
    return await eventually(
      `${this.#program.name} has a window (${step})`,
      this.#stepMs,
      async () => {
        this.#application.requireRunning();
        this.#host.process.requireRunning();
        const area = await this.#host.windowArea();
        if (area === undefined) return undefined;
        // The cursor of a window that grows below the parked pointer may depend
        // on which keys are released meanwhile, as foot's does.
        const image = without(await this.#host.screenshot(), PARKED_POINTER);
        return paintedArea(crop(image, area), BACKGROUND) === undefined
          ? undefined
          : { step, image, area };
      },
    );
  }

  #failure(
    what: string,
    shots: Readonly<Record<string, Shot | undefined>>,
  ): Error {
    const folder = Deno.makeTempDirSync({ prefix: "wayferry-screenshots-" });
    for (const [name, shot] of Object.entries(shots)) {
      if (shot !== undefined) {
        Deno.writeFileSync(`${folder}/${name}.png`, encodePng(shot.image));
      }
    }
    const output = this.#application.log();
    return new Error(
      `${this.#program.name} on ${this.#host.name} ${what}; screenshots are in ${folder}\n${output}`,
    );
  }
}

function isSame(one: Shot, other: Shot): boolean {
  return difference(one.image, other.image) === null;
}

function isSameSize(one: Shot, other: Shot): boolean {
  return one.area.width === other.area.width &&
    one.area.height === other.area.height;
}
