/**
 * What of the tests in virtual machines is to be run; the tests say by which
 * variables that is chosen.
 */
import type { Program } from "../../applications/program.ts";
import { WESTON } from "../../applications/compositors.ts";
import { LARGE_PROGRAMS } from "../../applications/large_programs.ts";
import { PROGRAMS } from "../../applications/programs.ts";
import { WESTON_CLIENTS } from "../../applications/weston_clients.ts";
import { rutabagas } from "../../emulator/host_profile.ts";
import type { Engine } from "./guest.ts";
import type { HostName } from "./session.ts";

/** Those that are run where nobody asks for more. */
const few: readonly string[] = [
  "foot",
  "weston-eventdemo",
  "weston-simple-shm",
];

/** A program of each toolkit, a browser, and a compositor in a window. */
const all: readonly Program[] = [
  ...PROGRAMS,
  ...LARGE_PROGRAMS.filter(({ name }) => name.startsWith("Firefox")),
  WESTON,
];

/**
 * The engines; QEMU's fences as they are released where nothing else is said.
 */
export function chosenEngines(): Engine[] {
  const chosen = Deno.env.get("WAYFERRY_VM_ENGINES") ?? "0.1.85/stock";
  const known = rutabagas.flatMap((rutabaga): Engine[] => [
    { rutabaga, fences: "stock" },
    { rutabaga, fences: "fixed" },
  ]);
  return known.filter(({ rutabaga, fences }) =>
    chosen === "all"
      ? fences === "stock"
      : chosen.split(" ").includes(`${rutabaga}/${fences}`)
  );
}

/** The compositors to test with. */
export function chosenHosts(): HostName[] {
  const chosen = (Deno.env.get("WAYFERRY_VM_HOSTS") ?? "weston").split(" ");
  return (["weston", "sway"] as const).filter((name) => chosen.includes(name));
}

/** The programs that work on a compositor. */
export function chosenPrograms(host: HostName): Program[] {
  const chosen = Deno.env.get("WAYFERRY_VM_PROGRAMS") ?? "";
  const known = [...all, ...WESTON_CLIENTS];
  const wanted = known.filter((program) =>
    chosen === "" || chosen === "all"
      ? few.includes(program.name) ||
        (chosen === "all" && all.includes(program))
      : chosen.split(",").some((start) => program.name.startsWith(start))
  );
  return wanted.filter(({ onlyOn }) =>
    onlyOn === undefined || onlyOn.host === host
  );
}
