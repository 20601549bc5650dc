/** Desired and reported state of a device (P-6), as the broker knows it. */
import type { Value, ValueMap } from '../../wire/frames.ts';
import type { Device } from '../fleet/device.ts';

export interface DesiredDocument {
  /** Rises with each change. */
  readonly version: number;
  readonly values: ValueMap;
  readonly at: number;
  /** The key that set it. */
  readonly by: string;
}

export interface ReportedDocument {
  /** The version that the device says it has applied. */
  readonly version: number;
  readonly values: ValueMap;
  /** When it arrived. */
  readonly at: number;
}

/** What a name is and should be; absent: it is not there. */
export interface Difference {
  readonly desired?: Value;
  readonly reported?: Value;
}

export interface DeviceDocuments {
  readonly desired: DesiredDocument | null;
  readonly reported: ReportedDocument | null;
}

/** What HTTP asks of desired state; `DesiredStates` (desired-states.ts) is it. */
export interface DesiredDesk {
  documents(device: Device): DeviceDocuments;
  /** Why the desired document does not come to the device though it has not applied it; null: nothing is known. */
  obstacle(device: Device): string | null;
  /** Names of the desired document that the reported one does not show with the same value. */
  difference(documents: DeviceDocuments): Readonly<Record<string, Difference>>;
  /**
   * Replaces the desired document (`put`) or merges into it (`patch`, RFC 7396). Durable when it resolves, and sent to the
   * device if it is connected. `expected`: the version that the caller has seen, 0 for none; null: whatever is there.
   * Rejects with `HubRefusal`: `precondition-failed`, `bad-request`, `desired-too-large`,
   * `too-large-for-device`. A change that changes nothing
   * keeps the version, unless the device has reported a higher one: it gets a version that the device does not know.
   */
  put(device: Device, values: ValueMap, change: DesiredChange): Promise<DesiredDocument>;
  patch(device: Device, patch: ValueMap, change: DesiredChange): Promise<DesiredDocument>;
}

export interface DesiredChange {
  readonly expected: number | null;
  readonly by: string;
}
