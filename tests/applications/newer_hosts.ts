/**
 * Programs on hosts that Debian 12 has too old or not at all; run by sid.ts in
 * a root that has them, not by `deno test`.
 */
import { isDeepStrictEqual } from "node:util";
import { startKWin } from "../support/kwin.ts";
import { startMutter } from "../support/mutter.ts";
import { startProxy } from "../support/proxy.ts";
import { makeScratch } from "../support/scratch.ts";
import { eventually } from "../support/wait.ts";
import { testPrograms } from "./comparison.ts";
import { LARGE_PROGRAMS } from "./large_programs.ts";
import { prepareHome, type Program, startProgram } from "./program.ts";
import { PROGRAMS } from "./programs.ts";
import { WESTON_CLIENTS } from "./weston_clients.ts";

const ALL = [...PROGRAMS, ...WESTON_CLIENTS, ...LARGE_PROGRAMS];

/** They are transparent, or black, on KWin's black. */
const UNSEEN_ON_KWIN = ["weston-smoke", "weston-simple-egl"];

testPrograms(
  "kwin",
  startKWin,
  ALL.filter(({ name }) => !UNSEEN_ON_KWIN.includes(name)),
);

for (
  const program of ALL.filter((candidate) => candidate.onlyOn === undefined)
) {
  Deno.test(`on mutter, ${program.name} is shown and told the same through the proxy as it is directly`, async () => {
    await using host = await startMutter();
    using home = makeScratch("home");
    const direct = await listen(
      program,
      home.path,
      host.waylandDisplay,
      settled(),
    );
    await using proxy = await startProxy(host.waylandDisplay);
    await listen(
      program,
      home.path,
      proxy.waylandDisplay,
      (account) => isDeepStrictEqual(account, direct),
    );
    await proxy.requireNoLeakedFds();
    await proxy.finish();
  });
}

/**
 * How long a program says nothing new once it has said all, in milliseconds.
 */
const SETTLED_MS = 1000;

/** What a program said and was told. */
interface Account {
  /** Whether it has a window on the output. */
  readonly shown: boolean;
  readonly titles: readonly string[];
  readonly applicationIds: readonly string[];
  /** The size that it was given first. */
  readonly size: string | undefined;
}

/** Whether a program is shown, and has said nothing new for a while. */
function settled(): (account: Account) => boolean {
  let last = "";
  let since = 0;
  return (account) => {
    const now = performance.now();
    const text = JSON.stringify(account);
    if (text !== last) since = now;
    last = text;
    return account.shown && now - since > SETTLED_MS;
  };
}

/** Runs a program until its account is as it should be. */
async function listen(
  program: Program,
  home: string,
  waylandDisplay: string,
  isEnough: (account: Account) => boolean,
): Promise<Account> {
  prepareHome(home, program);
  await using application = startProgram(
    program.argv,
    home,
    waylandDisplay,
    { ...program.environment, WAYLAND_DEBUG: "1" },
  );
  return await eventually(
    `${program.name} is shown by mutter as it should be`,
    30_000,
    () => {
      application.requireRunning();
      const account = parseAccount(application.log());
      return isEnough(account) ? account : undefined;
    },
  );
}

function parseAccount(log: string): Account {
  return {
    shown: /wl_surface[@#]\d+\.enter\(/.test(log) &&
      /xdg_toplevel[@#]\d+\.configure\(/.test(log),
    titles: collect(log, /set_title\((".*")\)/g),
    applicationIds: collect(log, /set_app_id\((".*")\)/g),
    size: /xdg_toplevel[@#]\d+\.configure\((\d+, \d+)/.exec(log)?.[1],
  };
}

function collect(log: string, pattern: RegExp): string[] {
  return [...new Set([...log.matchAll(pattern)].map((match) => match[1] ?? ""))]
    .sort();
}
