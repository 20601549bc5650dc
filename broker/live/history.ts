/**
 * What cannot be read from the fleet any more and yet must be told: events, steps of commands, and devices that were
 * forgotten. Owns the lists, shared by all viewers, so that a slow one costs nothing here.
 */
import type { LiveErrorCode } from '../../schemas/live.ts';
import type { Command } from '../hub/commands/command.ts';
import type { Device } from '../hub/fleet/device.ts';
import type { DeviceEvent } from '../hub/fleet/events.ts';
import { commandFragment, eventFragment, forgottenFragment } from './encode.ts';
import { Recent } from './recent.ts';

/** Something that happened to a device, ready to be told. */
export interface Happening {
  readonly rev: number;
  readonly customer: string;
  readonly device: string;
  readonly fragment: string;
  readonly characters: number;
}

/** Happenings that viewers are told one by one, and how. */
export interface Feed {
  readonly recent: Recent<Happening>;
  readonly type: 'event' | 'command';
  readonly list: 'events' | 'commands';
  /** What a viewer is told that missed some: they are on record elsewhere. */
  readonly missed: LiveErrorCode;
}

export class LiveHistory {
  readonly events: Feed = {
    recent: new Recent({ items: 1024, characters: 262_144 }),
    type: 'event',
    list: 'events',
    missed: 'events-missed',
  };
  /** About two seconds of a fleet that is sent 1,000 commands a second. */
  readonly commands: Feed = {
    recent: new Recent({ items: 4096, characters: 2_097_152 }),
    type: 'command',
    list: 'commands',
    missed: 'commands-missed',
  };
  readonly feeds: readonly Feed[] = [this.events, this.commands];
  /** A viewer that missed some gets a fresh snapshot. */
  readonly forgotten = new Recent<Happening>({ items: 1024, characters: 262_144 });

  addEvent(device: Device, event: DeviceEvent): void {
    const { customer, id } = device;
    this.events.recent.add(happening(customer, id, event.rev, eventFragment(device, event)));
  }

  addCommand(command: Command, waitingFor: string | null, rev: number): void {
    const { customer, device } = command;
    this.commands.recent.add(happening(customer, device, rev, commandFragment(command, waitingFor)));
  }

  addForgotten(customer: string, device: string, rev: number): void {
    this.forgotten.add(happening(customer, device, rev, forgottenFragment(`${customer}/${device}`, rev)));
  }
}

function happening(customer: string, device: string, rev: number, fragment: string): Happening {
  return { rev, customer, device, fragment, characters: fragment.length };
}
