/**
 * Requests presentation feedback itself when the client does not, to keep the
 * clock offset fresh.
 *
 * A host reports its time only with images that it has shown. So when the
 * client sets a timestamp and nothing was reported lately, the relay asks when
 * that image is shown.
 */
import type { Message } from "../../../../protocols/tables.ts";
import type { ArgumentRecord, Entry, EventListener } from "../../entry.ts";
import type { FeatureRelay } from "../../feature.ts";

/**
 * How old the last report may be before the relay asks for the next, in
 * milliseconds: half of how long a report is trusted.
 */
const REFRESH_MS = 500;

/** Asks for feedback on behalf of one relay. */
export class TimestampProbe implements EventListener {
  readonly #relay: FeatureRelay;
  readonly #onPresented: (values: ArgumentRecord) => void;
  /**
   * The host's `wp_presentation`; undefined until it was looked for, null where
   * the host has none.
   */
  #presentation: Entry | null | undefined;
  /** A surface whose next image has a timestamp, and needs feedback. */
  #surface: Entry | null = null;
  #lastAsked = -Infinity;

  /**
   * @param onPresented gets the arguments of
   * `wp_presentation_feedback.presented`
   */
  constructor(
    relay: FeatureRelay,
    onPresented: (values: ArgumentRecord) => void,
  ) {
    this.#relay = relay;
    this.#onPresented = onPresented;
  }

  /**
   * The next image of `surface` has a timestamp; the host last reported
   * something at `lastHeard`, by our clock.
   */
  timed(surface: Entry, lastHeard: number, now: number): void {
    const latest = Math.max(lastHeard, this.#lastAsked);
    if (now - latest >= REFRESH_MS) this.#surface = surface;
  }

  /** To be called before a commit goes to the host. */
  commits(surface: Entry, now: () => number): void {
    if (this.#surface !== surface) return;
    this.#surface = null;
    if (surface.hostId === 0) return;
    if (this.#presentation === undefined) {
      const name = "wp_presentation";
      this.#presentation = this.#relay.bindHostGlobal(name, 1, this);
    }
    if (this.#presentation === null) return;
    this.#lastAsked = now();
    const callback = this.#relay.createHostObject(
      "wp_presentation_feedback",
      1,
      this,
    );
    this.#relay.sendRequest(this.#presentation, "wp_presentation.feedback", {
      surface,
      callback,
    });
  }

  event(_entry: Entry, message: Message, values: ArgumentRecord): void {
    if (message.fullName === "wp_presentation_feedback.presented") {
      this.#onPresented(values);
    }
  }
}
