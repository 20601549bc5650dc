/** Describes customers, devices and their last-known state, as the HTTP API takes and tells them. */
import Type from 'typebox';
import { Asleep, closed, id, list, named, page, textOrNull, time, timeOrNull } from './common.ts';

export const CustomerSchema = named(
  'Customer',
  Type.Object({
    customer: Type.String(),
    devices: Type.Integer({ description: 'Devices known.' }),
    online: Type.Integer({ description: 'Devices connected.' }),
  }),
);
export const CustomerListSchema = list(CustomerSchema);
export type Customer = Type.Static<typeof CustomerSchema>;

const DEVICE_SORTS = ['name', 'lastSeen', 'connected'] as const;
export type DeviceSort = (typeof DEVICE_SORTS)[number];

export const DevicesQuery = Type.Object(
  {
    customer: Type.Optional(Type.String({ description: 'Only devices of this customer.' })),
    online: Type.Optional(Type.Boolean({ description: 'Only devices that are connected, or are not.' })),
    q: Type.Optional(
      Type.String({
        description: 'A part of the device id, its label or one of its tags, in any case.',
        maxLength: 64,
      }),
    ),
    sort: Type.Optional(
      Type.Enum(
        DEVICE_SORTS.flatMap((sort) => [sort, `-${sort}` as const]),
        {
          description: 'With `-` descending. `lastSeen`: a device that is connected counts as seen now.',
          default: 'name',
        },
      ),
    ),
    ...page,
  },
  closed,
);
export type DevicesQuery = Type.Static<typeof DevicesQuery>;

/** Not checked against P-1.4: what cannot exist is simply not found. */
export const DevicePath = Type.Object({ customer: Type.String(), device: Type.String() });

const Presence = Type.Object(
  {
    state: Type.Enum(['online', 'offline']),
    session: textOrNull('The connection that came or went.'),
    since: timeOrNull('When it came or went.'),
    reason: textOrNull('Why it went (`asleep`: see there); null while online.'),
  },
  { description: 'The last time that the device came or went.' },
);

const connection = {
  device: Type.String({ description: '`customer/id`' }),
  online: Type.Boolean(),
  connectedAt: timeOrNull('Since when it is connected; null: it is not.'),
  asleep: Asleep,
  lastSeenAt: timeOrNull('Last sign of life, heartbeats included; null: it has never connected.'),
  lastDataAt: timeOrNull('Arrival of the last telemetry or event.'),
  clock: Type.Enum(['ok', 'unset', 'ahead'], {
    description: "What the device's own times are worth (P-4.5).",
  }),
};

const Meta = Type.Unsafe<Readonly<Record<string, string | number | boolean | null>>>({
  type: 'object',
  additionalProperties: { type: ['string', 'number', 'boolean', 'null'] },
});

export const DeviceSchema = named(
  'Device',
  Type.Object({
    ...connection,
    customer: Type.String(),
    id: Type.String(),
    model: textOrNull('As told in hello.'),
    firmware: textOrNull('As told in hello.'),
    label: textOrNull('What people call it.'),
    tags: Type.Array(Type.String()),
    notes: textOrNull('What people should know about it.'),
    presence: Presence,
    metrics: Type.Integer({ description: 'How many metrics have a last-known value.' }),
    meta: Type.Optional(
      Type.Union([Meta, Type.Null()], {
        description: 'As told in hello; null: nothing was. Only in the answer about one device.',
      }),
    ),
    maxFrame: Type.Optional(
      Type.Union([Type.Integer(), Type.Null()], {
        description:
          'Bytes of the largest frame that it can receive, as told in hello (P-3.2); null: no bound. Only in the answer about one device.',
      }),
    ),
  }),
);
export const DeviceListSchema = list(DeviceSchema);
export type DeviceSummary = Type.Static<typeof DeviceSchema>;
export type DeviceList = Type.Static<typeof DeviceListSchema>;

/** Without control characters, which would move a terminal's cursor. */
const PRINTABLE = '^[^\\u0000-\\u001f\\u007f-\\u009f]*$';

export const DeviceProfileSchema = named(
  'DeviceProfile',
  Type.Object(
    {
      label: Type.Optional(
        Type.Union([Type.String({ maxLength: 64, pattern: PRINTABLE }), Type.Null()], {
          description: 'What people call it; at most 64 bytes of UTF-8.',
        }),
      ),
      tags: Type.Optional(
        Type.Array(Type.String({ minLength: 1, maxLength: 32, pattern: PRINTABLE }), {
          description: 'To find it by; each at most 32 bytes of UTF-8.',
          maxItems: 16,
          uniqueItems: true,
        }),
      ),
      notes: Type.Optional(
        Type.Union([Type.String({ maxLength: 1024 }), Type.Null()], {
          description: 'What people should know about it; at most 1,024 bytes of UTF-8.',
        }),
      ),
    },
    { ...closed, description: 'What is left out is cleared.' },
  ),
);
export type DeviceProfileBody = Type.Static<typeof DeviceProfileSchema>;

/** P-1.4, checked: what is put here comes to exist. */
export const NewDevicePath = Type.Object({ customer: id('Whose device.'), device: id('Its id.') });

const StateValue = Type.Object({
  value: Type.Unknown({ description: 'JSON; a byte string is `{"base64": "…"}`.' }),
  at: Type.Number({ description: 'When it was measured. Unix ms, with a fraction if the device sent one.' }),
  receivedAt: time('When it arrived.'),
});

export const StateSchema = named(
  'State',
  Type.Object({
    ...connection,
    values: Type.Unsafe<Record<string, Type.Static<typeof StateValue>>>({
      type: 'object',
      description: 'The newest value of every metric (P-4.6).',
      additionalProperties: StateValue,
    }),
  }),
);
export type State = Type.Static<typeof StateSchema>;
