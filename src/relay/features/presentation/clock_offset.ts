/**
 * How far our clock is ahead of the host's, which we only see through what the host says of past moments.
 *
 * Whatever the host says has happened when we hear of it, so our time of hearing less the host's time of happening is the difference of the
 * clocks and a delay, and the least of many is nearest to the truth. Only the last seconds count, since clocks drift; and when one of the two
 * stood still, because its machine slept, what was known is forgotten.
 *
 * A host that sleeps stops its clock, while that of its guest may run on (KVM's does). Until the host says something again nothing tells
 * of that but the silence; a moment that is asked for by the old difference would be in the host's future by as long as it slept.
 *
 * All times are milliseconds with fractions: a double has room for their nanoseconds in 100 days.
 */

/** How long a sample counts, at least; twice this at most. */
const WINDOW = 5_000;
/** Nothing is told this late: the host's clock stood still meanwhile. */
const LATEST = 1_000;
/** How long what was heard last is trusted. Whoever asks for moments hears of others all the time. */
const TRUSTED = 1_000;

/** An estimate that follows the clocks. */
export class ClockOffset {
  #windowStart = -Infinity;
  #lastHeard = -Infinity;
  /** The least of this window and of the one before it. */
  #least = Infinity;
  #leastBefore = Infinity;

  /** Our time less the host's, or null where the host said nothing, or nothing for so long that it may have slept. */
  at(ourTime: number): number | null {
    return ourTime - this.#lastHeard > TRUSTED ? null : this.#known;
  }

  /** When the host last said something, by our clock. */
  get lastHeard(): number {
    return this.#lastHeard;
  }

  get #known(): number | null {
    const offset = Math.min(this.#least, this.#leastBefore);
    return offset === Infinity ? null : offset;
  }

  /** Notes that something which happened at `hostTime` was heard of at `ourTime`. */
  observe(hostTime: number, ourTime: number): void {
    const sample = ourTime - hostTime;
    const known = this.#known;
    this.#lastHeard = ourTime;
    if (known !== null && sample > known + LATEST) this.#forget();
    const age = ourTime - this.#windowStart;
    // Our own clock never goes back, but the samples of one that slept are older than they seem.
    if (age >= WINDOW) {
      this.#leastBefore = age < 2 * WINDOW ? this.#least : Infinity;
      this.#least = Infinity;
      this.#windowStart = ourTime;
    }
    this.#least = Math.min(this.#least, sample);
  }

  #forget(): void {
    this.#least = this.#leastBefore = Infinity;
    this.#windowStart = -Infinity;
  }
}
