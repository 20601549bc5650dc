/** The device that a path names, for a caller that may see it. */
import { type Caller, sees } from '../access/caller.ts';
import type { Device } from '../hub/fleet/device.ts';
import type { FleetView } from './context.ts';
import { notFound } from './refusal.ts';

export interface DeviceParams {
  readonly customer: string;
  readonly device: string;
}

/** Throws the refusal that others' devices and unknown ones share. */
export function findDevice(fleet: FleetView, caller: Caller, { customer, device }: DeviceParams): Device {
  const found = sees(caller, customer) ? fleet.find(customer, device) : null;
  if (!found) throw notFound('device');
  return found;
}
