/**
 * How descriptors cross a cross-domain channel, by their kind and by who sends
 * them.
 */
import type { FdKind } from "../../../protocols/tables.ts";
import type { Carriage, Carrier } from "../endpoint.ts";

const withGpu: Carrier = {
  carries: (kind, type) =>
    // the host has no way to give its GPU's buffers to the guest's
    carriage(kind, type === "request" ? "as-is" : "never"),
};
const withoutGpu: Carrier = { carries: (kind) => carriage(kind, "never") };

/** What endpoints of such machines have in common. */
export function virtgpuCarrier(gpu: "with a GPU" | "without a GPU"): Carrier {
  return gpu === "with a GPU" ? withGpu : withoutGpu;
}

function carriage(kind: FdKind, dmabuf: Carriage): Carriage {
  switch (kind) {
    case "shm":
      return "shadowed";
    case "dmabuf":
      return dmabuf;
    case "keymap":
    case "format_table":
    case "icc":
    case "gamma":
      return "copied";
    case "pipe_write_end":
      return "bridged";
    case "sync_file":
    case "syncobj":
    case "socket":
    case "listening_socket":
    case "hangup":
    case "drm_device":
      return "never";
  }
}
