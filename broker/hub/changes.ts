/**
 * Which devices changed since somebody last looked. Owns one list; each reader (the live tick, the checkpoint) has its
 * own. A device carries one mark for each list that it is in, so a change costs a comparison, and nothing that anybody
 * else writes into a device can keep it out of the list.
 */
import type { Device } from './fleet/device.ts';

export class Changes {
  /** One bit, which no other list of this fleet has. */
  readonly mark: number;
  private devices: Device[] = [];

  constructor(mark: number) {
    this.mark = mark;
  }

  note(device: Device): void {
    if ((device.marks & this.mark) !== 0) return;
    device.marks |= this.mark;
    this.devices.push(device);
  }

  /** The devices that changed since the last drain, in the order of their first change. */
  drain(): readonly Device[] {
    const { devices } = this;
    this.devices = [];
    for (const device of devices) device.marks &= ~this.mark;
    return devices;
  }
}
