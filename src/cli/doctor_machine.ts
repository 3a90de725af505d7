/** What a machine needs apart from a compositor. */
import type { Environment } from "../server/environment.ts";
import { type Finding, missing, noted, present } from "../virtgpu/finding.ts";

/** The first Linux whose virtio-gpu makes contexts of a type. */
const firstKernel = { major: 5, minor: 16 } as const;

/** Whether the kernel is new enough, which only matters where there is a device. */
export function kernelFinding(release: string, hasDevice: boolean): Finding {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(release) ?? [];
  const isOld = Number(major) < firstKernel.major ||
    (Number(major) === firstKernel.major && Number(minor) < firstKernel.minor);
  if (!isOld) return present("kernel", `Linux ${release}`);
  const text =
    `Linux ${release} is too old for virtio-gpu; use Linux ${firstKernel.major}.${firstKernel.minor} or newer`;
  return hasDevice ? missing("kernel", text) : noted("kernel", text);
}

/** Whether there is a place for the socket that applications connect to. */
export function runtimeDirectoryFinding(environment: Environment): Finding {
  const subject = "XDG_RUNTIME_DIR";
  const directory = environment.get(subject) ?? "";
  if (directory === "") {
    return missing(
      subject,
      "is not set; set it to a directory of this user's own, usually /run/user/UID",
    );
  }
  try {
    Deno.removeSync(
      Deno.makeTempFileSync({ dir: directory, prefix: ".wayferry-doctor-" }),
    );
    return present(subject, directory);
  } catch (error) {
    return missing(
      subject,
      `no socket can be made in ${directory}: ${
        error instanceof Error ? error.message : error
      }`,
    );
  }
}

/** Whether there is an X server. Nothing but X11 applications needs it. */
export function xwaylandFinding(environment: Environment): Finding {
  const path = (environment.get("PATH") ?? "").split(":").filter((folder) =>
    folder !== ""
  ).map((folder) => `${folder}/Xwayland`).find(isFile);
  return noted(
    "Xwayland",
    path ?? "not on the PATH; only X11 applications need it",
  );
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
