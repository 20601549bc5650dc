/**
 * The messages of the live channel, `/v1/live`: JSON text frames (docs/live.md). The one source of their
 * types; `test/live/documentation.test.ts` holds the page's examples and these together.
 */
import Type from 'typebox';
import { Asleep, CommandSchema, DocumentsSchema, StatsSchema } from './api.ts';

/** One client message, and what a client may hold at once. */
export const LIVE_LIMITS = { messageBytes: 16384, subscriptions: 32, watchedDevices: 200 } as const;

/** What an `error` message can say: `code` → the sentence that says what to do. The connection stays open. */
export const LIVE_ERRORS = {
  'bad-message': 'Send one JSON object: subscribe, watch or unsubscribe, with its members as documented.',
  'bad-topic': 'A topic is customer/device; either part may be +.',
  'not-found': 'The key shows nothing under this topic; subscribe to devices of its own customer.',
  'unknown-subscription': 'No subscription has this id; subscribe first.',
  'too-many-subscriptions': 'A connection holds at most 32 subscriptions; unsubscribe from one first.',
  'too-many-devices': 'A subscription watches at most 200 devices; watch fewer.',
  'commands-missed':
    'Steps of commands came faster than they could be told, and some were left out here; read them over HTTP.',
  'desired-missed':
    'Desired or reported state changed faster than it could be told, and some was left out here; read it over HTTP.',
  'events-missed':
    'Events came faster than they could be told, and some were left out here; state is not affected.',
} as const;

export type LiveErrorCode = keyof typeof LIVE_ERRORS;

const closed = { additionalProperties: false };
const time = (description: string) => Type.Integer({ description: `${description} Unix ms.` });
const timeOrNull = (description: string) =>
  Type.Union([Type.Integer(), Type.Null()], { description: `${description} Unix ms.` });
const textOrNull = (description: string) => Type.Union([Type.String(), Type.Null()], { description });

const id = Type.Integer({
  description: 'Chosen by the client, names the subscription.',
  minimum: 0,
  maximum: Number.MAX_SAFE_INTEGER,
});
const rev = Type.Integer({
  description: 'Rises from message to message of a connection, over restarts too.',
});
const device = Type.String({ description: '`customer/device`' });

// From the client

const Subscribe = Type.Object({ type: Type.Literal('subscribe'), id, topic: Type.String() }, closed);
const Watch = Type.Object(
  {
    type: Type.Literal('watch'),
    id,
    devices: Type.Union([Type.Array(device), Type.Null()], {
      description: 'Values are told for these only; null ends the watch.',
    }),
  },
  closed,
);
const Unsubscribe = Type.Object({ type: Type.Literal('unsubscribe'), id }, closed);

export const ClientMessageSchema = Type.Union([Subscribe, Watch, Unsubscribe], {
  title: 'LiveClientMessage',
});
export type ClientMessage = Type.Static<typeof ClientMessageSchema>;

// From the broker

const connection = {
  device,
  online: Type.Boolean(),
  connectedAt: timeOrNull('Since when it is connected; null: it is not.'),
  since: timeOrNull('When it last came or went; null: never.'),
  session: textOrNull('The connection that came or went.'),
  reason: textOrNull('Why it went (`asleep`: see there); null while online.'),
  asleep: Asleep,
};

const freshness = {
  lastSeenAt: timeOrNull('Last sign of life; heartbeats that follow are not told.'),
  lastDataAt: timeOrNull('Arrival of the last telemetry or event.'),
  clock: Type.Enum(['ok', 'unset', 'ahead'], {
    description: "What the device's own times are worth (P-4.5).",
  }),
};

const LiveValue = Type.Object({
  value: Type.Unknown({ description: 'JSON; a byte string is `{"base64": "…"}`.' }),
  at: Type.Number({ description: 'When it was measured. Unix ms, with a fraction if the device sent one.' }),
  receivedAt: time('When it arrived.'),
});
export type LiveValue = Type.Static<typeof LiveValue>;

const values = Type.Unsafe<Record<string, LiveValue>>({
  type: 'object',
  description: 'By metric. Merge them: metrics that are absent keep their value.',
  additionalProperties: LiveValue,
});

const LiveState = Type.Object({ ...connection, ...freshness, values });
export type LiveState = Type.Static<typeof LiveState>;

const LiveUpdate = Type.Object({ device, ...freshness, values });
export type LiveUpdate = Type.Static<typeof LiveUpdate>;

const Transition = Type.Object({
  ...connection,
  ...freshness,
  rev: Type.Integer({ description: 'Numbers the transition.' }),
});
export type Transition = Type.Static<typeof Transition>;

const Forgotten = Type.Object({
  device,
  forgotten: Type.Literal(true),
  rev: Type.Integer({ description: 'Numbers the transition.' }),
});

const LiveEvent = Type.Object({
  device,
  rev: Type.Integer({ description: 'Numbers the event.' }),
  time: Type.Number({ description: 'When it happened. Unix ms, with a fraction if the device sent one.' }),
  receivedAt: time('When it arrived.'),
  severity: Type.Integer({ description: "Syslog's 0 (emergency) to 7 (debug).", minimum: 0, maximum: 7 }),
  name: Type.String(),
  data: Type.Unknown({ description: 'JSON; null if the event had none.' }),
});
export type LiveEvent = Type.Static<typeof LiveEvent>;

const Snapshot = Type.Object({
  type: Type.Literal('snapshot'),
  rev,
  id,
  page: Type.Integer({
    description: 'From 0. Page 0 replaces what was known under this subscription.',
    minimum: 0,
  }),
  more: Type.Boolean({ description: 'Another page follows.' }),
  devices: Type.Array(LiveState),
});

const Update = Type.Object({ type: Type.Literal('update'), rev, devices: Type.Array(LiveUpdate) });

const PresenceMessage = Type.Object({
  type: Type.Literal('presence'),
  rev,
  devices: Type.Array(Type.Union([Transition, Forgotten])),
});

const EventMessage = Type.Object({ type: Type.Literal('event'), rev, events: Type.Array(LiveEvent) });

const CommandMessage = Type.Object({
  type: Type.Literal('command'),
  rev,
  commands: Type.Array(CommandSchema, {
    description:
      'Commands that came a step further, each whole as it was then; a later one of the same id is newer.',
  }),
});

const LiveDocuments = Type.Union([
  DocumentsSchema,
  Type.Object(
    { device, tooLarge: Type.Literal(true, { description: 'Read them over HTTP.' }) },
    { description: 'The documents changed, and are too much for this channel.' },
  ),
]);
export type LiveDocuments = Type.Static<typeof LiveDocuments>;

const DesiredMessage = Type.Object({
  type: Type.Literal('desired'),
  rev,
  devices: Type.Array(LiveDocuments, {
    description:
      'Devices whose desired or reported state changed, with both as they are now; a later one of the same device is newer.',
  }),
});

const StatsMessage = Type.Object({ type: Type.Literal('stats'), rev, stats: StatsSchema });

const ErrorMessage = Type.Object({
  type: Type.Literal('error'),
  rev,
  code: Type.Enum(Object.keys(LIVE_ERRORS) as LiveErrorCode[]),
  message: Type.String({ description: 'One sentence that says what to do.' }),
  id: Type.Optional(id),
});

export const ServerMessageSchema = Type.Union(
  [
    Snapshot,
    Update,
    PresenceMessage,
    EventMessage,
    CommandMessage,
    DesiredMessage,
    StatsMessage,
    ErrorMessage,
  ],
  { title: 'LiveServerMessage' },
);
export type ServerMessage = Type.Static<typeof ServerMessageSchema>;
export type SnapshotMessage = Type.Static<typeof Snapshot>;
