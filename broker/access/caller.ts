/** Who asks: a key, as far as rights go. */
import type { KeyRow, Role } from '../store/ports.ts';

export interface Caller {
  readonly keyId: string;
  readonly role: Role;
  /** `*`: every customer (admin). */
  readonly customer: string;
  /** Set for a key that belongs to one device. */
  readonly device: string | null;
}

export function callerOf({ id, role, customer, device }: KeyRow): Caller {
  return { keyId: id, role, customer, device };
}

/** Whether this caller may see things of `customer`. */
export function sees(caller: Caller, customer: string): boolean {
  return caller.customer === '*' || caller.customer === customer;
}
