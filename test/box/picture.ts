/**
 * What a viewer knows under one subscription, kept exactly as docs/live.md tells a client to: page 0 replaces it, pages and updates are
 * merged, and what was in no page is gone. Owns the picture and nothing else.
 */
import type { LiveState, LiveUpdate, LiveValue, SnapshotMessage, Transition } from '../../schemas/live.ts';

export interface PictureDevice {
  readonly values: Map<string, LiveValue>;
  presence: Pick<LiveState, 'online' | 'connectedAt' | 'since' | 'session' | 'reason' | 'asleep'> | null;
}

export class Picture {
  readonly devices = new Map<string, PictureDevice>();
  /** Devices in the pages so far. */
  private readonly paged = new Set<string>();
  private nextPage = 0;
  /** Whether the last page of the newest snapshot is in. */
  isWhole = false;
  /** How many there were. */
  snapshots = 0;

  /** false: a page was left out. */
  page({ page, more, devices }: SnapshotMessage): boolean {
    if (page === 0) {
      this.devices.clear();
      this.paged.clear();
      this.isWhole = false;
    } else if (page !== this.nextPage) return false;
    this.nextPage = page + 1;
    for (const state of devices) {
      this.paged.add(state.device);
      const device = this.obtain(state.device);
      device.presence = state;
      this.merge(device, state.values);
    }
    if (more) return true;
    for (const name of [...this.devices.keys()]) if (!this.paged.has(name)) this.devices.delete(name);
    this.nextPage = 0;
    this.isWhole = true;
    this.snapshots += 1;
    return true;
  }

  update({ device, values }: LiveUpdate): void {
    this.merge(this.obtain(device), values);
  }

  come(transition: Transition): void {
    this.obtain(transition.device).presence = transition;
  }

  forget(name: string): void {
    this.devices.delete(name);
  }

  private merge(device: PictureDevice, values: Readonly<Record<string, LiveValue>>): void {
    for (const [name, value] of Object.entries(values)) device.values.set(name, value);
  }

  private obtain(name: string): PictureDevice {
    const known = this.devices.get(name) ?? { values: new Map(), presence: null };
    this.devices.set(name, known);
    return known;
  }
}
