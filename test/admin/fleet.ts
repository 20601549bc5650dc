/** Short words for what devices do, straight on the hub. */
import type { Device, Member } from '../../broker/hub/fleet/device.ts';
import type { Fleet } from '../../broker/hub/fleet/fleet.ts';
import type { Value } from '../../broker/wire/frames.ts';
import { connects, disconnects } from '../helpers/presence.ts';

export function connect(fleet: Fleet, device: Device, at: number): Member {
  const member: Member = {
    session: `s-${device.id}`,
    keyId: 'pump',
    heardAt: at,
    ready: true,
    bufferedBytes: 0,
    write: () => undefined,
    end: () => undefined,
  };
  connects(fleet, device, member, at);
  return member;
}

export function disconnect(fleet: Fleet, device: Device, member: Member, at: number): void {
  disconnects(fleet, device, member, at, 'no-heartbeat');
}

export function measure(
  fleet: Fleet,
  device: Device,
  values: Readonly<Record<string, Value>>,
  arrival: number,
  at = arrival,
): void {
  const names = Object.keys(values);
  const columns = device.metrics.columnsFor(names, 1024);
  if (!columns) throw new Error('too many metrics');
  device.metrics.merge(columns, { names, values: Object.values(values) }, at, arrival, fleet.touch(device));
  device.lastDataAt = arrival;
}
