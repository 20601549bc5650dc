/** Whether a device can receive a frame, by what it said in its last hello (P-3.2, `maxFrame`). Pure. */
import type { Device } from './device.ts';
import { HubRefusal } from './refusal.ts';

/** Why the device cannot receive the frame, in a sentence; `what`: `The command`. null: it can, as far as is known. */
export function tooBigFor(device: Device, frame: Uint8Array, what: string): string | null {
  const { maxFrame } = device.description;
  if (maxFrame === null || frame.length <= maxFrame) return null;
  return `${what} takes a frame of ${frame.length} bytes, and the device can receive ${maxFrame} at most (maxFrame of its hello).`;
}

/** Throws HubRefusal with that sentence. */
export function checkReceivable(device: Device, frame: Uint8Array, what: string): void {
  const reason = tooBigFor(device, frame, what);
  if (reason !== null) throw new HubRefusal('too-large-for-device', reason);
}
