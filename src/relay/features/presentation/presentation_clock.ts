/**
 * Translates presentation times where the host's clock is not ours.
 *
 * `wp_presentation` names a clock of the host's machine. The relay names our
 * own clock to the client instead, translates the timestamps that the host
 * reports to that clock, and those that the client sets back to the host's. One
 * without the other would be worse than neither, since toolkits compute what
 * they set from what was reported.
 *
 * The relay cannot translate a timestamp when the host reported nothing for a
 * second: that commit is shown as soon as possible, and the relay asks when it
 * is shown, so that the next ones keep their times. A client that shows less
 * than an image per second is therefore never timed: the host may have slept in
 * between, and a timestamp far in its future would stop the window.
 *
 * Unlike plain forwarding: `wp_presentation.clock_id`,
 * `wp_presentation_feedback.presented` (presentation-time, stable),
 * `wp_commit_timing_manager_v1.get_timer` and
 * `wp_commit_timer_v1.set_timestamp` (commit-timing-v1); `wl_surface.commit`.
 */
import {
  CLOCK_MONOTONIC,
  monotonicMilliseconds,
} from "../../../../ffi/clock.ts";
import { shadowsMemory } from "../../../host/endpoint.ts";
import type { ArgumentRecord } from "../../entry.ts";
import type { Feature, FeatureRelay } from "../../feature.ts";
import { ClockOffset } from "./clock_offset.ts";
import { TimestampProbe } from "./timestamp_probe.ts";
import { surfaceOf } from "../surface/mod.ts";

const NANOSECONDS = 1_000_000_000;
const HIGH = 0x1_0000_0000;

/**
 * A timestamp as the protocols write it: 64 bits of seconds, and nanoseconds.
 */
interface Timestamp {
  ["tv_sec_hi"]: number;
  ["tv_sec_lo"]: number;
  ["tv_nsec"]: number;
}

/** What is kept for one relay. */
class Clocks {
  readonly offset = new ClockOffset();
  readonly probe: TimestampProbe;

  constructor(relay: FeatureRelay, now: () => number) {
    this.probe = new TimestampProbe(relay, (values) => {
      this.offset.observe(readTimestamp(timestampOf(values)), now());
    });
  }
}

/** @param now our monotonic clock, in milliseconds */
export function presentationClock(
  now: () => number = monotonicMilliseconds,
): Feature<Clocks> {
  return {
    name: "presentation clock",
    // A host that does not share our memory does not share our clock either.
    appliesTo: shadowsMemory,
    open: (relay) => new Clocks(relay, now),
    requests: {
      "wp_commit_timing_manager_v1.get_timer": (_, _manager, values) => {
        values.id.record = values.surface.record;
        return "forward";
      },
      "wp_commit_timer_v1.set_timestamp": (clocks, timer, values) => {
        // The host refuses what is no timestamp.
        if (values.tv_nsec >= NANOSECONDS) return "forward";
        const { offset, probe } = clocks;
        const time = now();
        const surface = surfaceOf(timer);
        if (surface !== null) {
          probe.timed(surface.entry, offset.lastHeard, time);
        }
        const difference = offset.at(time);
        // Without a translation the commit is shown as soon as possible.
        if (difference === null) return "take";
        writeTimestamp(values, readTimestamp(values) - difference);
        return "rewrite";
      },
      "wl_surface.commit": ({ probe }, surface) => {
        probe.commits(surface, now);
        return "forward";
      },
    },
    events: {
      "wp_presentation.clock_id": (_clocks, _presentation, values) => {
        values.clk_id = CLOCK_MONOTONIC;
        return "rewrite";
      },
      "wp_presentation_feedback.presented": ({ offset }, _feedback, values) => {
        const hostTime = readTimestamp(values);
        const ourTime = now();
        offset.observe(hostTime, ourTime);
        writeTimestamp(values, hostTime + (offset.at(ourTime) ?? 0));
        return "rewrite";
      },
    },
  };
}

function timestampOf(values: ArgumentRecord): Timestamp {
  return {
    ["tv_sec_hi"]: Number(values["tv_sec_hi"]),
    ["tv_sec_lo"]: Number(values["tv_sec_lo"]),
    ["tv_nsec"]: Number(values["tv_nsec"]),
  };
}

function readTimestamp(timestamp: Timestamp): number {
  const seconds = timestamp["tv_sec_hi"] * HIGH + timestamp["tv_sec_lo"];
  return seconds * 1_000 + timestamp["tv_nsec"] / 1_000_000;
}

function writeTimestamp(timestamp: Timestamp, milliseconds: number): void {
  const positive = Math.max(0, milliseconds);
  let seconds = Math.floor(positive / 1_000);
  let nanoseconds = Math.round((positive - seconds * 1_000) * 1_000_000);
  if (nanoseconds >= NANOSECONDS) {
    nanoseconds -= NANOSECONDS;
    seconds++;
  }
  timestamp["tv_sec_hi"] = Math.floor(seconds / HIGH);
  timestamp["tv_sec_lo"] = seconds % HIGH;
  timestamp["tv_nsec"] = nanoseconds;
}
