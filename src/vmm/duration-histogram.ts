/**
 * Durations in buckets that grow with them: a mean that is exact and percentiles within 1/16, in memory of a fixed
 * size. Each power of two of 1/16 µs is cut into 16 buckets.
 */

const UNITS_PER_MICROSECOND = 16;
const SUB_BITS = 4;
const SUB_BUCKETS = 1 << SUB_BITS;
/** About 134 seconds; what takes longer counts as that in a percentile. */
const MAX_UNITS = 2 ** 31 - 1;
const BUCKETS = (31 - SUB_BITS + 1) * SUB_BUCKETS;

export class DurationHistogram {
  readonly #buckets = new Uint32Array(BUCKETS);
  #count = 0;
  #total = 0;
  #longest = 0;

  /** One duration; a clock that went backwards counts as 0. */
  add(microseconds: number): void {
    const duration = microseconds > 0 ? microseconds : 0;
    this.#count++;
    this.#total += duration;
    if (duration > this.#longest) this.#longest = duration;
    this.#buckets[bucketOf(Math.min(duration * UNITS_PER_MICROSECOND, MAX_UNITS) | 0)]++;
  }

  get count(): number {
    return this.#count;
  }

  /** Microseconds; 0 when nothing was added. */
  get mean(): number {
    return this.#count === 0 ? 0 : this.#total / this.#count;
  }

  /** Microseconds. */
  get longest(): number {
    return this.#longest;
  }

  /** The time in which this part (0 to 1) of all durations was over, in microseconds, at most 1/16 (and 1/16 us) too long. */
  percentile(part: number): number {
    const wanted = Math.ceil(this.#count * part);
    let seen = 0;
    for (let index = 0; index < BUCKETS; index++) {
      seen += this.#buckets[index];
      if (seen >= wanted && seen > 0) return Math.min(endOf(index) / UNITS_PER_MICROSECOND, this.#longest);
    }
    return 0;
  }
}

/** `units` is a whole number below 2^31. Below 16 each has a bucket of its own. */
function bucketOf(units: number): number {
  if (units < SUB_BUCKETS) return units;
  const shift = 31 - Math.clz32(units) - SUB_BITS;
  return (shift + 1) * SUB_BUCKETS + ((units >>> shift) & (SUB_BUCKETS - 1));
}

/** The first number of units that is beyond the bucket. */
function endOf(index: number): number {
  if (index < SUB_BUCKETS) return index + 1;
  const shift = Math.floor(index / SUB_BUCKETS) - 1;
  return (SUB_BUCKETS + (index % SUB_BUCKETS) + 1) * 2 ** shift;
}
