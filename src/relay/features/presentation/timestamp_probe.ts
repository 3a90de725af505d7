/**
 * Hears of moments of the host's clock where the client itself does not ask for any.
 *
 * A host tells its time only of images that it has shown. So the relay asks, when the client gives an image a moment and nothing was
 * heard lately, for the moment at which that image is shown.
 */
import type { Message } from "../../../../protocols/tables.ts";
import type { ArgumentRecord, Entry, EventListener } from "../../entry.ts";
import type { FeatureRelay } from "../../feature.ts";

/** How old the last news may be before the next is asked for, in milliseconds: half of how long news is trusted. */
const REFRESH_MS = 500;

/** One relay's questions. */
export class TimestampProbe implements EventListener {
  readonly #relay: FeatureRelay;
  readonly #onPresented: (values: ArgumentRecord) => void;
  /** The host's `wp_presentation`; undefined until it is looked for, null where there is none. */
  #presentation: Entry | null | undefined;
  /** A surface whose next image has a moment, and is to be asked about. */
  #surface: Entry | null = null;
  #lastAsked = -Infinity;

  /** @param onPresented gets the arguments of `wp_presentation_feedback.presented` */
  constructor(
    relay: FeatureRelay,
    onPresented: (values: ArgumentRecord) => void,
  ) {
    this.#relay = relay;
    this.#onPresented = onPresented;
  }

  /** The next image of `surface` has a moment; the host was last heard of at `lastHeard`, by our clock. */
  timed(surface: Entry, lastHeard: number, now: number): void {
    const latest = Math.max(lastHeard, this.#lastAsked);
    if (now - latest >= REFRESH_MS) this.#surface = surface;
  }

  /** A commit is about to go to the host. */
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
