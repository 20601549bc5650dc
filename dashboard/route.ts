/** Reads from the address what to show: the fleet, or one device (`#/acme/pump-7`). Pure. */
import { ID } from '../schemas/names.ts';

export interface PageAddress {
  /** `customer/id` of the device to show; null: the fleet. */
  readonly device: string | null;
}

const DEVICE = new RegExp(`^#/(${ID}/${ID})$`);

/** Anything that names no device is the fleet. */
export function readRoute(hash: string): PageAddress {
  return { device: DEVICE.exec(hash)?.[1] ?? null };
}

export function deviceLink(name: string): string {
  return `#/${name}`;
}
