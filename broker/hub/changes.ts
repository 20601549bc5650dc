/**
 * Which devices changed since somebody last looked. Owns one list; each reader (the live tick, the checkpoint) has
 * its own. A device is in it once, told by its revision, so a change costs a comparison.
 */
import type { Device } from './device.ts';

export class Changes {
  private devices: Device[] = [];
  private drainedAt: number;

  /** `since`: revisions above it count as changes. */
  constructor(since: number) {
    this.drainedAt = since;
  }

  /** Called before the device gets its new revision. */
  note(device: Device): void {
    if (device.rev <= this.drainedAt) this.devices.push(device);
  }

  /** The devices that changed since the last drain; `current` is the newest revision given out. */
  drain(current: number): readonly Device[] {
    const { devices } = this;
    this.devices = [];
    this.drainedAt = current;
    return devices;
  }
}
