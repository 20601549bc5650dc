/**
 * Describes who asks: a key, as far as rights go. Decides whose things it sees, and says what it hears where it has no
 * right (`schemas/roles.ts` has the table of rights). Pure.
 */
import { may, type Right, type Role, rolesInWords, rolesWith } from '../../schemas/roles.ts';
import type { KeyRow } from '../store/ports.ts';

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

/** Why keys of the role may not; null: they may. A sentence that says what would do. */
export function refusalOf(role: Role, right: Right): string | null {
  if (may(role, right)) return null;
  if (right === 'connect') {
    const able = rolesWith(right).join(' or ');
    return `A key with the role ${role} cannot connect a device; create one with the role ${able}.`;
  }
  if (may(role, 'connect') && !may(role, 'read')) {
    return `A ${role} key connects to /v1/device only; use a ${rolesInWords('read')} key.`;
  }
  return `This needs a key with the role ${rolesWith(right).join(' or ')}; it has ${role}.`;
}
