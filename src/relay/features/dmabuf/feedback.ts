/**
 * Rewrites dma-buf feedback when client and compositor use different GPUs.
 *
 * The compositor names its own devices, by numbers that mean nothing here, and
 * formats that our driver may not make. The relay replaces each device by our
 * GPU, leaves formats that it does not make out of the table, and renumbers
 * what refers to the table. It drops a tranche in which nothing is left.
 *
 * Unlike plain forwarding: all events of `zwp_linux_dmabuf_feedback_v1`,
 * `zwp_linux_dmabuf_v1.format` and `modifier`,
 * `zwp_linux_buffer_params_v1.set_sampling_device` (linux-dmabuf, stable). For
 * version 6 that is all: its feedback has no `main_device`, and a flag in its
 * tranches says which devices sample, which stays true of ours.
 */
import { closeFd, readFdAt } from "../../../../ffi/fd.ts";
import {
  type Carrier,
  type GuestGpu,
  shadowsMemory,
} from "../../../host/endpoint.ts";
import { HostError } from "../../../wayland/protocol_error.ts";
import type { Entry } from "../../entry.ts";
import type { Feature, FeatureRelay } from "../../feature.ts";
import { ENTRY_BYTES, FormatTables, LEFT_OUT } from "./format_tables.ts";

/** DRM_FORMAT_MOD_INVALID: the layout is the driver's secret. */
const UNKNOWN_LAYOUT = 0x00ff_ffff_ffff_ffffn;
/** More than the 65536 entries that indices can name. */
const MAX_TABLE_BYTES = 65536 * ENTRY_BYTES;
/** A `dev_t` in the protocol. */
const DEVICE_BYTES = 8;

/** Whether GPU buffers cross to a host that has another GPU. */
export function carriesGpuBuffers(carrier: Carrier): boolean {
  return shadowsMemory(carrier) &&
    carrier.carries("dmabuf", "request") !== "never";
}

/** The events of one feedback object so far. */
class Feedback {
  /** For each entry of the host's table its number in ours. */
  places: readonly number[] = [];
  /** The flags and formats of the tranche that is not complete yet. */
  flags: number | null = null;
  readonly formats: Uint8Array[] = [];
}

/** The devices and format tables of one relay. */
class Devices implements Disposable {
  readonly relay: FeatureRelay;
  readonly gpu: GuestGpu | null;
  /** Our device, as the protocol writes it. */
  readonly ours: Uint8Array<ArrayBuffer>;
  readonly tables = new FormatTables((format, modifier) =>
    this.makes(format, modifier)
  );

  constructor(relay: FeatureRelay) {
    this.relay = relay;
    this.gpu = relay.host.gpu ?? null;
    const device = BigUint64Array.of(this.gpu?.deviceNumber ?? 0n);
    this.ours = new Uint8Array(device.buffer);
  }

  makes(format: number, modifier: bigint): boolean {
    return this.gpu === null || this.gpu.makes(format, modifier);
  }

  [Symbol.dispose](): void {
    this.tables[Symbol.dispose]();
  }
}

/** Where the endpoint names no GPU, everything goes on as it came. */
export const gpuFeedback: Feature<Devices> = {
  name: "GPU feedback",
  appliesTo: carriesGpuBuffers,
  open: (relay) => new Devices(relay),
  requests: {
    "zwp_linux_buffer_params_v1.set_sampling_device": (
      { gpu },
      _params,
      { device },
    ) =>
      // Nobody here knows which of the host's GPUs ours is, and without this
      // the compositor tries all. It refuses a wrong size itself.
      gpu === null || device.length !== DEVICE_BYTES ? "forward" : "take",
  },
  events: {
    "zwp_linux_dmabuf_v1.format": (devices, _dmabuf, { format }) =>
      devices.makes(format, UNKNOWN_LAYOUT) ? "forward" : "take",
    "zwp_linux_dmabuf_v1.modifier": (devices, _dmabuf, values) => {
      const { format, modifier_hi: high, modifier_lo: low } = values;
      const modifier = BigInt(high) << 32n | BigInt(low);
      return devices.makes(format, modifier) ? "forward" : "take";
    },
    "zwp_linux_dmabuf_feedback_v1.format_table": (devices, entry, values) => {
      if (devices.gpu === null) return "forward";
      sendTable(devices, entry, values.fd, values.size);
      return "take";
    },
    "zwp_linux_dmabuf_feedback_v1.main_device": (devices, _entry, values) => {
      if (devices.gpu === null) return "forward";
      values.device = devices.ours;
      return "rewrite";
    },
    "zwp_linux_dmabuf_feedback_v1.tranche_target_device": ({ gpu }) =>
      gpu === null ? "forward" : "take",
    "zwp_linux_dmabuf_feedback_v1.tranche_flags": ({ gpu }, entry, values) => {
      if (gpu === null) return "forward";
      feedbackOf(entry).flags = values.flags;
      return "take";
    },
    "zwp_linux_dmabuf_feedback_v1.tranche_formats": (
      { gpu },
      entry,
      { indices },
    ) => {
      if (gpu === null) return "forward";
      const feedback = feedbackOf(entry);
      const kept = renumber(indices, feedback.places);
      if (kept.length > 0) feedback.formats.push(kept);
      return "take";
    },
    "zwp_linux_dmabuf_feedback_v1.tranche_done": (devices, entry) => {
      if (devices.gpu === null) return "forward";
      return sendTranche(devices, entry) ? "forward" : "take";
    },
  },
};

function feedbackOf(entry: Entry): Feedback {
  if (entry.record instanceof Feedback) return entry.record;
  const feedback = new Feedback();
  entry.record = feedback;
  return feedback;
}

/** Sends the client the entries of the host's table that our GPU makes. */
function sendTable(
  devices: Devices,
  entry: Entry,
  handle: number,
  size: number,
): void {
  const { relay, tables } = devices;
  if (size > MAX_TABLE_BYTES) {
    throw new HostError(`its table of formats has ${size} bytes`);
  }
  const table = new Uint8Array(size - size % ENTRY_BYTES);
  const fd = relay.openFromHost(handle, "format_table");
  const readBytes = readFdAt(fd, table, 0);
  closeFd(fd);
  if (readBytes < table.length) {
    relay.warn(
      `the compositor's table of formats has ${readBytes} bytes, not the ${size} that it announced`,
    );
  }
  const ours = tables.find(table.slice(0, Math.max(0, readBytes)));
  feedbackOf(entry).places = ours.places;
  relay.sendEvent(entry, "zwp_linux_dmabuf_feedback_v1.format_table", {
    fd: ours.fd,
    size: ours.size,
  });
}

/** Indices of the host's table as indices of ours; 16 bits each. */
function renumber(
  indices: Uint8Array,
  places: readonly number[],
): Uint8Array {
  const view = new DataView(
    indices.buffer,
    indices.byteOffset,
    indices.byteLength,
  );
  const kept: number[] = [];
  for (let at = 0; at + 2 <= indices.length; at += 2) {
    const place = places[view.getUint16(at, true)] ?? LEFT_OUT;
    if (place !== LEFT_OUT) kept.push(place);
  }
  return new Uint8Array(Uint16Array.from(kept).buffer);
}

/**
 * Sends the tranche that was collected, without its end.
 *
 * @returns false where nothing of it is left
 */
function sendTranche(devices: Devices, entry: Entry): boolean {
  const { relay, ours } = devices;
  const feedback = feedbackOf(entry);
  const { flags, formats } = feedback;
  feedback.flags = null;
  if (formats.length === 0) return false;
  relay.sendEvent(
    entry,
    "zwp_linux_dmabuf_feedback_v1.tranche_target_device",
    { device: ours },
  );
  if (flags !== null) {
    relay.sendEvent(entry, "zwp_linux_dmabuf_feedback_v1.tranche_flags", {
      flags,
    });
  }
  for (const indices of formats) {
    relay.sendEvent(entry, "zwp_linux_dmabuf_feedback_v1.tranche_formats", {
      indices,
    });
  }
  formats.length = 0;
  return true;
}
