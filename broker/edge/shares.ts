/**
 * Divides places among customers, and a customer's among its keys. A share grows and shrinks with what others use
 * (dynamic thresholds, as in switches that share a buffer): nobody may hold more than a multiple of what is left free.
 * Alone, a customer gets most of it; whoever comes later always finds something. Owns the counts.
 */
export interface Holder {
  readonly customer: string;
  readonly key: string;
}

/** Who has too many: everybody together, the customer, or the key. */
export type Full = 'all' | 'customer' | 'key';

export class Shares {
  private readonly places: number;
  private readonly percent: number;
  private total = 0;
  private readonly ofCustomer = new Map<string, number>();
  private readonly ofKey = new Map<string, number>();

  /** `percent`: of all places for a customer that is alone, and of its customer's for a key that is; 100: no shares. */
  constructor(places: number, percent: number) {
    this.places = places;
    this.percent = percent;
  }

  get taken(): number {
    return this.total;
  }

  held(customer: string): number {
    return this.ofCustomer.get(customer) ?? 0;
  }

  /** Why one more has no place; null: it has. `reserved`: places that are not for this holder. */
  full({ customer, key }: Holder, reserved = 0): Full | null {
    const free = this.places - reserved - this.total;
    if (free <= 0) return 'all';
    const ofCustomer = this.held(customer);
    if (!this.mayTake(ofCustomer, free)) return 'customer';
    // What the customer could still take if all others stay as they are.
    const left = Math.ceil((this.percent * (free + ofCustomer)) / 100) - ofCustomer;
    return this.mayTake(this.ofKey.get(key) ?? 0, left) ? null : 'key';
  }

  add({ customer, key }: Holder): void {
    this.total += 1;
    bump(this.ofCustomer, customer, 1);
    bump(this.ofKey, key, 1);
  }

  /** To be called once for each holder that was added. */
  remove({ customer, key }: Holder): void {
    this.total -= 1;
    bump(this.ofCustomer, customer, -1);
    bump(this.ofKey, key, -1);
  }

  /** A holder may have up to `percent / (100 - percent)` times what is free: with 90 %, nine times. */
  private mayTake(held: number, free: number): boolean {
    return held * (100 - this.percent) < this.percent * free;
  }
}

export function bump(counts: Map<string, number>, name: string, by: number): void {
  const count = (counts.get(name) ?? 0) + by;
  if (count === 0) counts.delete(name);
  else counts.set(name, count);
}
