/**
 * Serves `/devices`: lists and filters devices, shows one and its last-known state, names it and forgets it; and `GET
 * /customers`: a customer exists once a key names it, or a device of its own is known. Turns the fleet's devices into
 * the API's.
 */
import Type from 'typebox';
import {
  type Customer,
  CustomerListSchema,
  DEFAULT_LIMIT,
  DeviceListSchema,
  DevicePath,
  DeviceProfileSchema,
  DeviceSchema,
  type DeviceSort,
  type DeviceSummary,
  DevicesQuery,
  NewDevicePath,
  PageQuery,
  reference,
  type State,
  StateSchema,
} from '../../../schemas/api.ts';
import { sees } from '../../access/caller.ts';
import type { Device } from '../../hub/fleet/device.ts';
import { toJson } from '../../hub/json.ts';
import { countDevices } from '../../hub/stats.ts';
import type { Access } from '../access.ts';
import { findDevice } from '../access.ts';
import { type AuditHooks, deviceTarget } from '../audit-hooks.ts';
import { answers } from '../openapi.ts';
import { type ListOrder, pageOf } from '../paging.ts';
import type { AdminParts, Api } from '../parts.ts';
import { notFound, Refusal } from '../refusal.ts';

function deviceSummary(device: Device): DeviceSummary {
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

/** The device, with what only the answer about one holds. */
function deviceDetail(device: Device): DeviceSummary {
  const { meta, maxFrame } = device.description;
  // Hello lets nothing but plain values into it (schemas/frames.ts).
  return { ...deviceSummary(device), meta: meta as NonNullable<DeviceSummary['meta']> | null, maxFrame };
}

function deviceState(device: Device): State {
  const values = [...device.metrics.changedSince(0)].map(({ name, value, at, receivedAt }) => [
    name,
    { value: toJson(value), at, receivedAt },
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
function deviceOrder(sort: DeviceSort | `-${DeviceSort}`): ListOrder<Device> {
  const rank = RANKS[sort.replace('-', '') as DeviceSort];
  return {
    id: sort,
    direction: sort.startsWith('-') ? 'descending' : 'ascending',
    place: (device) => ({ rank: rank(device), name: device.name }),
  };
}

const BY_NAME: ListOrder<string> = {
  id: 'customer',
  direction: 'ascending',
  place: (customer) => ({ rank: 0, name: customer }),
};

export function customerRoutes(api: Api, { fleet, keys }: AdminParts, access: Access): void {
  const visible = (customer: string): Iterable<string> =>
    customer === '*' ? new Set([...keys.customers(), ...fleet.customers()]) : [customer];

  const summary = (customer: string): Customer => {
    const { total, online } = countDevices(fleet, customer);
    return { customer, devices: total, online };
  };

  api.get(
    '/customers',
    {
      schema: {
        operationId: 'listCustomers',
        summary: 'Customers and how many devices they have',
        tags: ['devices'],
        querystring: PageQuery,
        response: answers(200, reference(CustomerListSchema)),
      },
      onRequest: access.allow('read'),
    },
    async (request) => {
      const { limit = DEFAULT_LIMIT, cursor } = request.query;
      const page = pageOf(visible(access.caller(request).customer), BY_NAME, { limit, cursor });
      return { items: page.items.map(summary), next: page.next };
    },
  );
}

const ONE = '/devices/:customer/:device';
const NO_CUSTOMER = 'There is no customer of this name; one exists once a key names it.';

export function deviceRoutes(api: Api, parts: AdminParts, access: Access, hooks: AuditHooks): void {
  listRoute(api, parts, access);
  readRoutes(api, parts, access);
  putRoute(api, parts, access, hooks);
  forgetRoute(api, parts, access, hooks);
}

function listRoute(api: Api, { fleet }: AdminParts, access: Access): void {
  api.get(
    '/devices',
    {
      schema: {
        operationId: 'listDevices',
        summary: 'Devices, filtered and sorted',
        tags: ['devices'],
        querystring: DevicesQuery,
        response: answers(200, reference(DeviceListSchema)),
      },
      onRequest: access.allow('read'),
    },
    async (request) => {
      const { sort = 'name', limit = DEFAULT_LIMIT, cursor, ...filter } = request.query;
      const devices = matching(fleet.devices(access.caller(request).customer), filter);
      const page = pageOf(devices, deviceOrder(sort), { limit, cursor });
      return { items: page.items.map(deviceSummary), next: page.next };
    },
  );
}

type Filter = Pick<DevicesQuery, 'customer' | 'online' | 'q'>;

function* matching(devices: Iterable<Device>, { customer, online, q }: Filter): Generator<Device> {
  const part = q?.toLowerCase() ?? '';
  for (const device of devices) {
    if (customer !== undefined && device.customer !== customer) continue;
    if (online !== undefined && device.online !== online) continue;
    if (device.mentions(part)) yield device;
  }
}

function readRoutes(api: Api, { fleet }: AdminParts, access: Access): void {
  api.get(
    ONE,
    {
      schema: {
        operationId: 'getDevice',
        summary: 'One device',
        tags: ['devices'],
        params: DevicePath,
        response: answers(200, reference(DeviceSchema), 'not-found'),
      },
      onRequest: access.allow('read'),
    },
    async (request) => deviceDetail(findDevice(fleet, access.caller(request), request.params)),
  );

  api.get(
    `${ONE}/state`,
    {
      schema: {
        operationId: 'getDeviceState',
        summary: 'Last-known state: the newest value of every metric',
        tags: ['devices'],
        params: DevicePath,
        response: answers(200, reference(StateSchema), 'not-found'),
      },
      onRequest: access.allow('read'),
    },
    async (request) => deviceState(findDevice(fleet, access.caller(request), request.params)),
  );
}

function putRoute(api: Api, parts: AdminParts, access: Access, hooks: AuditHooks): void {
  const { fleet, keys, registry, logger } = parts;
  const exists = (customer: string) =>
    [...keys.customers()].includes(customer) || [...fleet.customers()].includes(customer);
  const known = { description: 'It was known before; label, tags and notes are these now.' };

  api.put(
    ONE,
    {
      schema: {
        operationId: 'putDevice',
        summary: 'Names a device, and makes it known before it first connects',
        description:
          'Commands and desired state wait for it; it is listed with `lastSeenAt` null. Replaces label, tags and notes: what is left out is cleared.',
        tags: ['devices'],
        params: NewDevicePath,
        body: reference(DeviceProfileSchema),
        response: {
          ...answers(
            201,
            reference(DeviceSchema),
            'not-found',
            'too-many-devices',
            'body-too-large',
            'unsupported-media-type',
          ),
          200: { ...reference(DeviceSchema), ...known },
        },
      },
      onRequest: [hooks.attempt('device.put', deviceTarget), access.allow('operate')],
    },
    async (request, reply) => {
      const caller = access.caller(request);
      const { customer, device: id } = request.params;
      if (!sees(caller, customer)) throw notFound('device');
      if (!exists(customer)) throw new Refusal('not-found', NO_CUSTOMER);
      const { label, tags = [], notes } = request.body;
      const profile = { label: label || null, tags, notes: notes || null };
      const { device, created } = await registry.put(customer, id, profile);
      if (created) logger.info({ device: device.name, by: caller.keyId }, 'A device was registered.');
      hooks.done(request, { customer, detail: { created } });
      return reply.code(created ? 201 : 200).send(deviceSummary(device));
    },
  );
}

function forgetRoute(api: Api, { forget, logger }: AdminParts, access: Access, hooks: AuditHooks): void {
  api.delete(
    ONE,
    {
      schema: {
        operationId: 'forgetDevice',
        summary: 'Forgets a device',
        description:
          'Ends its connection and removes its state, label, tags and notes. Its keys stay: with one it may come back as new.',
        tags: ['devices'],
        params: DevicePath,
        response: answers(204, Type.Null({ description: 'It is gone.' }), 'not-found'),
      },
      onRequest: [hooks.attempt('device.forget', deviceTarget), access.allow('operate')],
    },
    async (request, reply) => {
      const caller = access.caller(request);
      const { customer, device } = request.params;
      if (!sees(caller, customer) || !(await forget(customer, device))) throw notFound('device');
      logger.info({ device: `${customer}/${device}`, by: caller.keyId }, 'A device was forgotten.');
      hooks.done(request, { customer });
      return reply.code(204).send(null);
    },
  );
}
