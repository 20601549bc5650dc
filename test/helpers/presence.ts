/** A device comes and goes, with the record of it committed in the same moment. */
import type { Device, Member } from '../../broker/hub/fleet/device.ts';
import type { Fleet } from '../../broker/hub/fleet/fleet.ts';

/** Returns the connection that it replaces. */
export function connects(fleet: Fleet, device: Device, member: Member, at: number): Member | null {
  const replaced = fleet.attach(device, member);
  fleet.opened(device, member.session, at);
  return replaced;
}

export function disconnects(fleet: Fleet, device: Device, member: Member, at: number, reason: string): void {
  fleet.detach(device, member);
  fleet.ended(device, member.session, at, reason);
}
