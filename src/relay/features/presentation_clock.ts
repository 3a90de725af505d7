/**
 * Moments of presentation, where the host's clock is not ours.
 *
 * `wp_presentation` names a clock of the host's machine. The client is told its own instead, moments that the host tells are translated to that,
 * and moments that the client asks for are translated back; one without the other would be worse than neither, since toolkits
 * compute what they ask for from what they were told.
 *
 * Unlike plain forwarding: `wp_presentation.clock_id`, `wp_presentation_feedback.presented` (presentation-time, stable),
 * `wp_commit_timer_v1.set_timestamp` (commit-timing-v1).
 */
import { CLOCK_MONOTONIC, monotonicMilliseconds } from "../../../ffi/clock.ts";
import { shadowsMemory } from "../../host/endpoint.ts";
import type { Feature } from "../feature.ts";
import { ClockOffset } from "./clock_offset.ts";

const NANOSECONDS = 1_000_000_000;
const HIGH = 0x1_0000_0000;

/** A moment as the protocols write it: 64 bits of seconds, and nanoseconds. */
interface Timestamp {
  ["tv_sec_hi"]: number;
  ["tv_sec_lo"]: number;
  ["tv_nsec"]: number;
}

/** @param now our monotonic clock, in milliseconds */
export function presentationClock(
  now: () => number = monotonicMilliseconds,
): Feature<ClockOffset> {
  return {
    name: "presentation clock",
    // A host that does not share our memory does not share our clock either.
    appliesTo: shadowsMemory,
    open: () => new ClockOffset(),
    requests: {
      "wp_commit_timer_v1.set_timestamp": (clock, _timer, values) => {
        // The host refuses what is no timestamp.
        if (values.tv_nsec >= NANOSECONDS) return "forward";
        const offset = clock.at(now());
        // Without a translation the commit is shown as soon as it can be.
        if (offset === null) return "take";
        writeTimestamp(values, readTimestamp(values) - offset);
        return "rewrite";
      },
    },
    events: {
      "wp_presentation.clock_id": (_clock, _presentation, values) => {
        values.clk_id = CLOCK_MONOTONIC;
        return "rewrite";
      },
      "wp_presentation_feedback.presented": (clock, _feedback, values) => {
        const hostTime = readTimestamp(values);
        const ourTime = now();
        clock.observe(hostTime, ourTime);
        writeTimestamp(values, hostTime + (clock.at(ourTime) ?? 0));
        return "rewrite";
      },
    },
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
