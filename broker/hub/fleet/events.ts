/** Publishes committed events of devices (P-2.5). Owns the listeners. */
import type { Value } from '../../wire/frames.ts';
import type { Device } from './device.ts';

export interface DeviceEvent {
  readonly time: number;
  readonly receivedAt: number;
  readonly severity: number;
  readonly name: string;
  readonly data: Value;
  readonly rev: number;
}

export type EventListener = (device: Device, event: DeviceEvent) => void;

export class EventFeed {
  private readonly listeners = new Set<EventListener>();

  subscribe(listener: EventListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  publish(device: Device, event: DeviceEvent): void {
    for (const listener of this.listeners) listener(device, event);
  }
}
