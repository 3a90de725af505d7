/**
 * How far our clock is ahead of the host's, which we only see through what the
 * host says of past timestamps.
 *
 * Whatever the host reports has happened when we hear of it. So our time of
 * hearing less the host's timestamp is the difference of the clocks plus a
 * delay, and the least of many samples is nearest to the truth. Only the last
 * seconds count, since clocks drift; and when one of the two stood still,
 * because its machine slept, the estimate is forgotten.
 *
 * A host that sleeps stops its clock, while that of its guest may run on (KVM's
 * does). Until the host reports something again, only its silence shows that; a
 * timestamp translated by the old difference would lie in the host's future by
 * as long as it slept.
 *
 * All times are milliseconds with fractions: a double has room for their
 * nanoseconds in 100 days.
 */

/** How long a sample counts, at least; twice this at most. */
const WINDOW = 5_000;
/** No report is this late: the host's clock stood still meanwhile. */
const LATEST = 1_000;
/**
 * How long the last report is trusted. A client that sets timestamps gets
 * reports all the time.
 */
const TRUSTED = 1_000;

/** An estimate that follows the clocks. */
export class ClockOffset {
  #windowStart = -Infinity;
  #lastHeard = -Infinity;
  /**
   * The least sample of this window; `#leastBefore` is that of the window
   * before it.
   */
  #least = Infinity;
  #leastBefore = Infinity;

  /**
   * Our time less the host's, or null where the host reported nothing, or
   * nothing for so long that it may have slept.
   */
  at(ourTime: number): number | null {
    return ourTime - this.#lastHeard > TRUSTED ? null : this.#known;
  }

  /** When the host last reported something, by our clock. */
  get lastHeard(): number {
    return this.#lastHeard;
  }

  get #known(): number | null {
    const offset = Math.min(this.#least, this.#leastBefore);
    return offset === Infinity ? null : offset;
  }

  /**
   * Notes that something which happened at `hostTime` was heard of at
   * `ourTime`.
   */
  observe(hostTime: number, ourTime: number): void {
    const sample = ourTime - hostTime;
    const known = this.#known;
    this.#lastHeard = ourTime;
    if (known !== null && sample > known + LATEST) this.#forget();
    const age = ourTime - this.#windowStart;
    // Our own clock never goes back, but the samples of one that slept are
    // older than they seem.
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
