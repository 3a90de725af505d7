/**
 * Real programs on real compositors through the emulated device: they look as
 * they do without us, and leave nothing behind.
 */
import assert from "node:assert/strict";
import { requirePrograms } from "../support/packages.ts";
import { makeScratch } from "../support/scratch.ts";
import { startSway } from "../support/sway.ts";
import { startWeston } from "../support/weston.ts";
import type { HostCompositor } from "../support/host.ts";
import type { Program } from "../applications/program.ts";
import { PROGRAMS } from "../applications/programs.ts";
import { runSession } from "../applications/session.ts";
import type { Fences, Rutabaga } from "../emulator/host_profile.ts";
import { startEmulatedProxy } from "./support/emulated_proxy.ts";

const simpleShm: Program = {
  name: "weston-simple-shm",
  needs: [{ program: "weston-simple-shm", package: "weston" }],
  argv: ["weston-simple-shm"],
  judgement: { pixels: "alike", reason: "it is an animation" },
  endsWhenMaximized: true,
};

interface Case {
  readonly start: () => Promise<HostCompositor>;
  readonly on: string;
  readonly program: Program;
  readonly rutabaga: Rutabaga;
  readonly fences: Fences;
}

const named = (name: string): Program => {
  const program = PROGRAMS.find((program) => program.name === name);
  if (program === undefined) throw new Error(`no program ${name}`);
  return program;
};

const sway = { start: startSway, on: "sway" } as const;
/**
 * It is ended to close its clients' windows, which only this release tells
 * them.
 */
const weston = {
  start: startWeston,
  on: "weston",
  rutabaga: "0.1.85",
} as const;
const foot = named("foot");

const cases: readonly Case[] = [
  { ...sway, program: foot, rutabaga: "0.1.85", fences: "stock" },
  { ...sway, program: foot, rutabaga: "0.1.2", fences: "stock" },
  { ...sway, program: foot, rutabaga: "0.1.71", fences: "fixed" },
  { ...weston, program: foot, fences: "fixed" },
  { ...weston, program: simpleShm, fences: "stock" },
];

for (const { start, on, program, rutabaga, fences } of cases) {
  Deno.test(`${program.name} on ${on}, rutabaga ${rutabaga}, fences ${fences}: it looks as it does without a proxy, and leaves nothing behind`, async () => {
    await requirePrograms(program.needs);
    using home = makeScratch("home");
    await using direct = await start();
    const expected = await runSession(
      direct,
      direct.waylandDisplay,
      home.path,
      program,
    );
    await direct[Symbol.asyncDispose]();
    await using host = await start();
    await using proxy = await startEmulatedProxy(
      host.waylandDisplay,
      rutabaga,
      fences,
    );
    await runSession(
      host,
      proxy.waylandDisplay,
      home.path,
      program,
      expected,
    ).catch(async (error) => {
      const report = JSON.stringify(await proxy.report(), null, 1);
      throw new Error(`${error.message}\n${report}\n${proxy.process.log()}`, {
        cause: error,
      });
    });
    const { census, violations, stalls } = await proxy.idle();
    assert.deepEqual(violations, []);
    assert.equal(stalls, 0);
    assert.deepEqual(new Set(Object.values(census)), new Set([0]));
  });
}
