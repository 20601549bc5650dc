/**
 * What cannot be read from the fleet any more and yet must be told: events, and devices that were forgotten. Owns the
 * two lists, shared by all viewers, so that a slow one costs nothing here.
 */
import type { Device } from '../hub/device.ts';
import type { DeviceEvent } from '../hub/events.ts';
import { eventFragment, forgottenFragment } from './encode.ts';
import { Recent } from './recent.ts';

/** Something that happened to a device, ready to be told. */
export interface Happening {
  readonly rev: number;
  readonly customer: string;
  readonly device: string;
  readonly fragment: string;
  readonly characters: number;
}

export class LiveHistory {
  /** A viewer that missed some is told so: events are on record elsewhere. */
  readonly events = new Recent<Happening>({ items: 1024, characters: 262_144 });
  /** A viewer that missed some gets a fresh snapshot. */
  readonly forgotten = new Recent<Happening>({ items: 1024, characters: 262_144 });

  addEvent(device: Device, event: DeviceEvent): void {
    this.events.add(happening(device.customer, device.id, event.rev, eventFragment(device, event)));
  }

  addForgotten(customer: string, device: string, rev: number): void {
    this.forgotten.add(happening(customer, device, rev, forgottenFragment(`${customer}/${device}`, rev)));
  }
}

function happening(customer: string, device: string, rev: number, fragment: string): Happening {
  return { rev, customer, device, fragment, characters: fragment.length };
}
