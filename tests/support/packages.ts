/**
 * The programs that the application tests need: found, or installed from
 * Debian's packages.
 */
import { readIfPresent } from "./files.ts";
import { runCommand } from "./process.ts";

/** The search path that test programs get. */
export const PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin:/usr/games";

/** A program and the Debian package that has it. */
export interface ProgramSource {
  /** A name on the search path, or an absolute path. */
  readonly program: string;
  readonly package: string;
}

/** The folder of libraries and plug-ins. */
const LIBRARIES = `/usr/lib/${Deno.build.arch}-linux-gnu`;

/**
 * What programs load without depending on its package: Qt's ways to Wayland,
 * and OpenGL by software.
 */
export const QT5_WAYLAND: ProgramSource = {
  program: `${LIBRARIES}/qt5/plugins/wayland-shell-integration/libxdg-shell.so`,
  package: "qtwayland5",
};
export const QT6_WAYLAND: ProgramSource = {
  program: `${LIBRARIES}/qt6/plugins/wayland-shell-integration/libxdg-shell.so`,
  package: "qt6-wayland",
};
export const SOFTWARE_GL: ProgramSource = {
  program: `${LIBRARIES}/dri/swrast_dri.so`,
  package: "libgl1-mesa-dri",
};

/**
 * Makes sure that programs are there, installing the packages of those that are
 * not.
 * @throws naming the program and its package where it can be neither found nor
 * installed
 */
export async function requirePrograms(
  sources: readonly ProgramSource[],
): Promise<void> {
  const missing = sources.filter((source) =>
    findProgram(source.program) === undefined
  );
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((source) => source.package))];
  if (Deno.uid() !== 0) {
    throw new Error(
      `Install these Debian packages first, or run the tests as root: ${
        packages.join(" ")
      }`,
    );
  }
  const environment = { DEBIAN_FRONTEND: "noninteractive" };
  // Another test run may be installing at this moment: wait for its lock.
  const apt =
    "apt-get -qq -o DPkg::Lock::Timeout=300 -o APT::Get::Assume-Yes=true"
      .split(" ");
  await runCommand([...apt, "update"], environment);
  await runCommand(
    [...apt, "install", "--no-install-recommends", ...packages],
    environment,
  );
  for (const { program, package: name } of missing) {
    if (findProgram(program) === undefined) {
      throw new Error(`Package ${name} has no program ${program}`);
    }
  }
}

/** The absolute path of a program, or `undefined` when there is none. */
export function findProgram(program: string): string | undefined {
  const candidates = program.startsWith("/")
    ? [program]
    : PATH.split(":").map((folder) => `${folder}/${program}`);
  return candidates.find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

/** Whether the programs are those of Debian 12. */
export function isDebian12(): boolean {
  return readIfPresent("/etc/debian_version")?.startsWith("12") === true;
}
