/**
 * Byte ranges, and which of them get in each other's way.
 *
 * @module
 */

/** A byte range, and how it is locked. One of no bytes conflicts with those around it. */
export interface Range {
  readonly offset: number;
  readonly length: number;
  readonly isExclusive: boolean;
}

/** Whether the ranges have bytes in common. */
export function overlap(a: Range, b: Range): boolean {
  return a.offset < b.offset + b.length && b.offset < a.offset + a.length;
}

/** Whether they cannot be locked both. */
export function conflict(a: Range, b: Range): boolean {
  return (a.isExclusive || b.isExclusive) && overlap(a, b);
}

/** Ranges in their order, those that overlap made one: to be asked for quickly. */
class Union {
  readonly #begins: number[] = [];
  readonly #ends: number[] = [];

  /** The first of the ranges that ends behind `offset`. */
  #find(offset: number): number {
    let low = 0;
    let high = this.#ends.length;
    while (low < high) {
      const middle = low + high >>> 1;
      if (this.#ends[middle] > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Whether one of them overlaps the range from `begin` to `end`. */
  has(begin: number, end: number): boolean {
    const at = this.#find(begin);
    return at < this.#begins.length && this.#begins[at] < end;
  }

  /** Neighbours stay two: what lies between them, of no bytes, is in neither's way. */
  add(begin: number, end: number): void {
    const at = this.#find(begin);
    let count = 0;
    for (; at + count < this.#begins.length && this.#begins[at + count] < end; count++) {
      begin = Math.min(begin, this.#begins[at + count]);
      end = Math.max(end, this.#ends[at + count]);
    }
    this.#begins.splice(at, count, begin);
    this.#ends.splice(at, count, end);
  }
}

/** Ranges that are wanted; tells whether another one conflicts with any of them. */
export class Wanted {
  readonly #all = new Union();
  readonly #exclusive = new Union();

  /** One more. */
  add({ offset, length, isExclusive }: Range): void {
    this.#all.add(offset, offset + length);
    if (isExclusive) this.#exclusive.add(offset, offset + length);
  }

  /** Whether the range conflicts with one of them. */
  conflictsWith({ offset, length, isExclusive }: Range): boolean {
    return (isExclusive ? this.#all : this.#exclusive).has(offset, offset + length);
  }
}
