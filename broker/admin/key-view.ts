/** Keys as the HTTP API tells them, and what a wish for a new one must keep to. Pure. */
import type { Key, NewKey } from '../../schemas/api.ts';
import type { KeyRow } from '../store/ports.ts';
import type { KeyWish } from './context.ts';
import { Refusal } from './refusal.ts';

/** `secret`: the key's text, in the answer that creates it. */
export function keyView(row: KeyRow, secret?: string): Key {
  return {
    id: row.id,
    customer: row.customer,
    ...(row.device !== null && { device: row.device }),
    role: row.role,
    ...(row.label !== null && { label: row.label }),
    createdAt: row.createdAt,
    ...(row.expiresAt !== null && { expiresAt: row.expiresAt }),
    ...(row.lastUsedAt !== null && { lastUsedAt: row.lastUsedAt }),
    ...(secret !== undefined && { key: secret }),
  };
}

/** Throws a refusal that names the member and what was expected. */
export function keyWish(body: NewKey, now: number): KeyWish {
  const { role = 'device', device = null, label = null } = body;
  if (device !== null && role !== 'device') {
    throw new Refusal(
      'bad-request',
      `body.device belongs to the role device; a key with the role ${role} reads the whole customer.`,
    );
  }
  return { customer: customerOf(body, role), device, role, label, expiresAt: expiryOf(body, now) };
}

function customerOf({ customer }: NewKey, role: KeyWish['role']): string {
  if (role === 'admin') {
    if (customer === undefined || customer === '*') return '*';
    throw new Refusal(
      'bad-request',
      'body.customer must be * or left out for an admin, who sees every customer.',
    );
  }
  if (customer !== undefined && customer !== '*') return customer;
  throw new Refusal('bad-request', `body.customer must name one customer for the role ${role}.`);
}

function expiryOf({ expiresAt, expiresIn }: NewKey, now: number): number | null {
  if (expiresAt !== undefined && expiresIn !== undefined) {
    throw new Refusal('bad-request', 'body.expiresAt and body.expiresIn exclude each other; send one.');
  }
  if (expiresIn !== undefined) return now + expiresIn * 1000;
  if (expiresAt === undefined) return null;
  if (expiresAt > now) return expiresAt;
  throw new Refusal('bad-request', 'body.expiresAt must lie in the future; it is in Unix milliseconds.');
}
