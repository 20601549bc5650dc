/** Devices as the HTTP API tells them. Pure. */
import type { DeviceSort, DeviceSummary, State } from '../../schemas/api.ts';
import type { Device } from '../hub/fleet/device.ts';
import { jsonValue } from '../hub/json-value.ts';
import type { Order } from './paging.ts';

export function deviceSummary(device: Device): DeviceSummary {
  const { state, session, since, reason } = device.presence;
  return {
    ...connectionOf(device),
    customer: device.customer,
    id: device.id,
    model: device.description.model,
    firmware: device.description.firmware,
    label: device.profile?.label ?? null,
    tags: [...(device.profile?.tags ?? [])],
    notes: device.profile?.notes ?? null,
    presence: { state, session, since: timeOrNull(since), reason },
    metrics: [...device.metrics.changedSince(0)].length,
  };
}

/** With what only the answer about one device holds. */
export function deviceDetail(device: Device): DeviceSummary {
  const { meta, maxFrame } = device.description;
  // Hello lets nothing but plain values into it (schemas/frames.ts).
  return { ...deviceSummary(device), meta: meta as NonNullable<DeviceSummary['meta']> | null, maxFrame };
}

export function deviceState(device: Device): State {
  const values = [...device.metrics.changedSince(0)].map(({ name, value, at, receivedAt }) => [
    name,
    { value: jsonValue(value), at, receivedAt },
  ]);
  return { ...connectionOf(device), values: Object.fromEntries(values) };
}

function connectionOf(device: Device): Omit<State, 'values'> {
  return {
    device: device.name,
    online: device.online,
    connectedAt: device.online ? device.presence.since : null,
    ...(device.presence.asleep && { asleep: device.presence.asleep }),
    lastSeenAt: timeOrNull(device.lastSeenAt),
    lastDataAt: timeOrNull(device.lastDataAt),
    clock: device.clock,
  };
}

/** The hub's 0 means never. */
function timeOrNull(at: number): number | null {
  return at === 0 ? null : at;
}

const RANKS: Readonly<Record<DeviceSort, (device: Device) => number>> = {
  name: () => 0,
  // One that is connected is seen again at every heartbeat; counted as now, it keeps its place between two pages.
  lastSeen: (device) => (device.online ? Number.MAX_SAFE_INTEGER : device.lastSeenAt),
  connected: (device) => (device.online ? device.presence.since : 0),
};

/** `sort` as in the query: `-` in front for descending. */
export function deviceOrder(sort: DeviceSort | `-${DeviceSort}`): Order<Device> {
  const rank = RANKS[sort.replace('-', '') as DeviceSort];
  return {
    id: sort,
    direction: sort.startsWith('-') ? 'descending' : 'ascending',
    place: (device) => ({ rank: rank(device), name: device.name }),
  };
}
