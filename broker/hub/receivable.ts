/**
 * Whether a device can receive a frame: by what it said in its last hello (P-3.2, `maxFrame`), and by whether it reads what was
 * sent before. Pure.
 */
import type { Device, Member } from './fleet/device.ts';
import { HubRefusal } from './refusal.ts';

/** Above this nothing more is written until the device has read some of it. */
export const UNREAD_BYTES = 65_536;

/** Whether the device takes what is written to it; what it does not take waits in the broker's memory. */
export function reads({ bufferedBytes }: Pick<Member, 'bufferedBytes'>): boolean {
  return bufferedBytes < UNREAD_BYTES;
}

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
