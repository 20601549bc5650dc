/** Which devices a selection finds now. Pure. */
import type { Device } from '../fleet/device.ts';
import { HubRefusal } from '../refusal.ts';
import type { DeviceSelection } from './job.ts';

/** What is asked of the fleet. */
export interface SelectableFleet {
  find(customer: string, device: string): Device | null;
  devices(customer: string): Iterable<Device>;
}

/** Ids, sorted. Throws HubRefusal for ids that are asked for by name and not known. */
export function selectDevices(fleet: SelectableFleet, select: DeviceSelection): readonly string[] {
  const { customer, devices } = select;
  const candidates = devices === null ? fleet.devices(customer) : named(fleet, customer, devices);
  const found = [...candidates].filter((device) => fits(device, select)).map(({ id }) => id);
  return [...new Set(found)].sort();
}

/** Throws HubRefusal if there is nobody to send to, or more than `limit`. */
export function checkTargets(count: number, limit: number): void {
  if (count === 0) throw new HubRefusal('bad-request', 'The selection finds no device; try it with dryRun.');
  if (count <= limit) return;
  throw new HubRefusal(
    'bad-request',
    `The selection finds ${count} devices; at most ${limit} are allowed (commands.jobDevices).`,
    'commands.jobDevices',
  );
}

function named(fleet: SelectableFleet, customer: string, ids: readonly string[]): Device[] {
  const unknown = ids.filter((id) => !fleet.find(customer, id));
  if (unknown.length === 0) return ids.flatMap((id) => fleet.find(customer, id) ?? []);
  const some = unknown.slice(0, 5).join(', ');
  const rest = unknown.length > 5 ? ` and ${unknown.length - 5} more` : '';
  throw new HubRefusal('bad-request', `select.devices names devices that are not known: ${some}${rest}.`);
}

function fits(device: Device, { q, model, online }: DeviceSelection): boolean {
  if (online !== null && device.online !== online) return false;
  if (model !== null && device.description.model !== model) return false;
  return q === null || device.mentions(q.toLowerCase());
}
