/** Describes what the broker tells of itself: `GET /api/v1/stats` and the live channel's `stats`. */
import Type from 'typebox';
import { named } from './common.ts';

const count = (description: string) => Type.Integer({ description, minimum: 0 });
const number = (description: string) => Type.Number({ description, minimum: 0 });
const counts = (description: string) =>
  Type.Unsafe<Record<string, number>>({
    type: 'object',
    description,
    additionalProperties: { type: 'integer', minimum: 0 },
  });

const Rates = Type.Object(
  {
    frames: number('Valid frames of devices.'),
    samples: number('Measurements in them.'),
    bytes: number('Bytes of them.'),
    commits: number('Commits of the telemetry log.'),
    acks: number('Acknowledgements sent.'),
  },
  { description: 'A second, over the last five seconds.' },
);

const Totals = Type.Object(
  {
    frames: count('Valid frames of devices.'),
    repeated: count('Frames that had come before (P-4.3).'),
    samples: count('Measurements.'),
    events: count('Events (P-2.5).'),
    bytes: count('Bytes of valid frames.'),
    commits: count('Commits of the telemetry log.'),
    acks: count('Acknowledgements sent.'),
    connections: count('Device connections opened.'),
    takeovers: count('Connections replaced by a newer one of the same device (P-1.6).'),
    viewers: count('Connections of the live channel opened.'),
    viewerSkips: count('Live updates merged because a viewer was slow.'),
    viewersClosedSlow: count('Viewers closed because they did not read.'),
  },
  { description: 'Since the start.' },
);

const Commands = Type.Object(
  {
    waiting: count('Commands that are not final.'),
    steps: counts('Steps that commands have taken since the start, by status.'),
  },
  { description: 'Commands to devices (P-5).' },
);

const Log = Type.Object(
  {
    bytes: count('Bytes held.'),
    segments: count('Segment files held.'),
    first: count('Position of the oldest record.'),
    end: count('Where the next record will start.'),
    waitingFrames: count('Frames accepted and not yet committed.'),
    lost: counts('Bytes that fell off before a reader had passed them, by reader.'),
  },
  { description: 'The telemetry log.' },
);

const orNull = <Schema extends Type.TSchema>(schema: Schema, description: string) =>
  Type.Union([schema, Type.Null()], { description });

const BridgeNote = Type.Object({ at: count('Unix ms.'), message: Type.String() });

const Bridge = Type.Object(
  {
    state: Type.Enum(['off', 'connecting', 'connected', 'waiting', 'failed', 'stopped'], {
      description:
        'off: no server is configured. waiting: the next attempt comes by itself. failed: the configuration cannot be used.',
    }),
    since: count('When this state began, Unix ms.'),
    peer: orNull(Type.String(), 'The server at hand, without credentials.'),
    protocol: orNull(Type.Enum(['5', '3.1.1']), 'What is spoken with it.'),
    rate: number('Messages of the log a second, over the last five seconds.'),
    backlog: Type.Object(
      {
        bytes: count('Of the log.'),
        messages: orNull(Type.Integer(), 'Estimated by what a message took so far; null: none was sent yet.'),
        seconds: number('Age of the oldest frame that the peer does not have.'),
      },
      { description: 'What waits in the log for the peer.' },
    ),
    cursor: orNull(Type.Integer(), 'Position in the log; everything before it is with the peer.'),
    inFlight: count('Messages that the peer has not acknowledged.'),
    sent: count('Messages of the log that the peer has acknowledged, since the start.'),
    repeated: count('Copies that were written again, for their acknowledgement was missing.'),
    others: count('Messages from elsewhere: state, availability, results, discovery.'),
    dropped: counts('Messages that were given up, by reason.'),
    lostBytes: count('Bytes that fell off the log before the peer had them.'),
    outages: count('Outages that are over.'),
    crashes: count("Times that the bridge's thread ended by itself."),
    commands: counts('Commands that came over MQTT: taken, refused.'),
    lastError: orNull(BridgeNote, 'What went wrong last.'),
    lastRefusal: orNull(BridgeNote, 'The newest subscription or message that the server did not take.'),
  },
  { description: 'The MQTT bridge.' },
);

const Memory = Type.Object(
  {
    residentBytes: count('Of the process.'),
    heapBytes: count('Used by JavaScript.'),
    externalBytes: count('Used by buffers.'),
  },
  { description: 'Memory of the process.' },
);

const EventLoopDelay = Type.Object(
  { p50: number('Median.'), p99: number('99th percentile.'), max: number('Longest.') },
  { description: 'How late the event loop was during the last second, ms.' },
);

const Broker = Type.Object(
  {
    viewers: count('Connections of the live channel now.'),
    rates: Rates,
    totals: Totals,
    pauses: counts('Times that a socket was not read, by reason (P-7.2).'),
    refusals: counts('Refused before the upgrade, by problem code (P-1.5).'),
    frameErrors: counts('Error frames sent, by error code (P-8).'),
    closes: counts('Device connections ended, by reason (P-7.3).'),
    commands: Commands,
    bridge: Bridge,
    log: Log,
    storesWaiting: counts('1: it cannot write now and waits (a full disk, a lock); by store: log, database.'),
    memory: Memory,
    eventLoopDelay: EventLoopDelay,
  },
  { description: 'The whole broker, all customers together: told to admins only.' },
);

export const StatsSchema = named(
  'Stats',
  Type.Object({
    at: Type.Integer({ description: 'When this was read, Unix ms.' }),
    version: Type.String({ description: "The broker's version." }),
    startedAt: Type.Integer({ description: 'Unix ms.' }),
    uptimeSeconds: number('Since the start.'),
    devices: Type.Object(
      {
        total: count('Known.'),
        online: count('Connected.'),
        neverSeen: count('Of the known ones those that have not connected yet.'),
      },
      { description: "Of the caller's customer; of all customers for an admin." },
    ),
    broker: Type.Optional(Broker),
  }),
);

export type Stats = Type.Static<typeof StatsSchema>;
export type BridgeStats = Type.Static<typeof Bridge>;
export type BrokerStats = Type.Static<typeof Broker>;
