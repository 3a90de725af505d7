/** What a machine needs apart from a compositor. */
import type { Environment } from "../../sockets/environment.ts";
import {
  type Finding,
  type KernelFitness,
  missing,
  noted,
  present,
} from "../../virtgpu/find/mod.ts";

/**
 * The first Linux whose virtio-gpu makes contexts of a type. Kernels with an
 * older number may have it as well.
 */
const firstKernel = { major: 5, minor: 16 } as const;

/**
 * Whether the kernel is new enough. Where a device was asked, its answers
 * decide.
 */
export function kernelFinding(
  release: string,
  fitness: KernelFitness,
): Finding {
  const subject = "kernel";
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(release) ?? [];
  const isOld = Number(major) < firstKernel.major ||
    (Number(major) === firstKernel.major && Number(minor) < firstKernel.minor);
  const first = `Linux ${firstKernel.major}.${firstKernel.minor}`;
  if (!isOld || fitness === "sufficient") {
    return present(subject, `Linux ${release}`);
  }
  return fitness === "too old"
    ? missing(
      subject,
      `Linux ${release} is too old for virtio-gpu; use ${first} or newer`,
    )
    : noted(
      subject,
      `Linux ${release} is older than ${first}, and so probably too old for virtio-gpu`,
    );
}

/** Whether there is a place for the socket that applications connect to. */
export function runtimeDirectoryFinding(environment: Environment): Finding {
  const subject = "XDG_RUNTIME_DIR";
  const directory = environment.get(subject) ?? "";
  const advice =
    `set it to a directory that belongs to this user, usually /run/user/${Deno.uid()}`;
  if (directory === "") return missing(subject, `is not set; ${advice}`);
  if (!directory.startsWith("/")) {
    return missing(subject, `${directory} is not an absolute path; ${advice}`);
  }
  try {
    Deno.removeSync(
      Deno.makeTempFileSync({ dir: directory, prefix: ".wayferry-doctor-" }),
    );
    return present(subject, directory);
  } catch (error) {
    return missing(subject, `${unwritable(directory, error)}; ${advice}`);
  }
}

function unwritable(directory: string, error: unknown): string {
  if (error instanceof Deno.errors.NotFound) {
    return `${directory} does not exist`;
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return `this user may not create a socket in ${directory}`;
  }
  const text = error instanceof Error ? error.message : String(error);
  return `cannot create a socket in ${directory}: ${text}`;
}

/** Whether there is an X server. Nothing but X11 applications needs it. */
export function xwaylandFinding(environment: Environment): Finding {
  const path = (environment.get("PATH") ?? "").split(":").filter((folder) =>
    folder !== ""
  ).map((folder) => `${folder}/Xwayland`).find(isProgram);
  return noted(
    "Xwayland",
    `${
      path ?? "not on the PATH"
    }; only X11 applications need it, and this version does not support X11 yet`,
  );
}

/** Whether somebody may execute it. */
function isProgram(path: string): boolean {
  try {
    const { isFile, mode } = Deno.statSync(path);
    return isFile && ((mode ?? 0) & 0o111) !== 0;
  } catch {
    return false;
  }
}
