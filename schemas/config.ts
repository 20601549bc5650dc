/**
 * The configuration: one schema with defaults, from which the types, the checks, the environment names
 * (`SIGNALBOX_SECTION_KEY`) and the documentation come. Read in `broker/config/config.ts` and nowhere else.
 */
import Type from 'typebox';
import { Mqtt } from './mqtt-config.ts';

const count = (description: string, value: number, minimum = 0) =>
  Type.Integer({ description, default: value, minimum });

const closed = { additionalProperties: false, default: {} };

const Server = Type.Object(
  {
    host: Type.String({ description: 'Address to listen on.', default: '0.0.0.0', minLength: 1 }),
    port: Type.Integer({
      description: 'Port to listen on; 0 picks a free one.',
      default: 8080,
      minimum: 0,
      maximum: 65535,
    }),
    allowedOrigins: Type.Array(Type.String({ minLength: 1 }), {
      description:
        'Origins besides the own one that may open the live channel and use cookies, as https://host[:port].',
      default: [],
    }),
    trustedProxies: Type.Array(Type.String({ minLength: 1 }), {
      description: 'Addresses of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.',
      default: [],
    }),
    metrics: Type.Union([Type.Literal('loopback'), Type.Literal('open'), Type.Literal('key')], {
      description: 'Who may read /metrics without an admin key: loopback addresses, everybody, nobody.',
      default: 'loopback',
    }),
    loginHours: count('Hours without use after which the login of a browser ends.', 12, 1),
    drainSeconds: Type.Integer({
      description: 'Over how many seconds devices are told to reconnect at a stop.',
      default: 5,
      minimum: 0,
      maximum: 300,
    }),
  },
  closed,
);

const Devices = Type.Object(
  {
    keepalive: Type.Integer({
      description: 'Seconds between pings (P-7.1).',
      default: 30,
      minimum: 1,
      maximum: 3600,
    }),
    keyInUrl: Type.Boolean({
      description: 'Accept ?key= in the device URL (P-1.2). It will reach access logs.',
      default: false,
    }),
    ackWithin: Type.Integer({
      description: 'Default bound on the wait of an acknowledgement, ms (P-4.2).',
      default: 20,
      minimum: 0,
      maximum: 10000,
    }),
  },
  closed,
);

const Limits = Type.Object(
  {
    connections: count('Device connections in all.', 25000, 1),
    sharePercent: Type.Integer({
      description:
        'How much of limits.connections and limits.viewers one customer may hold while nobody else needs it, in percent, and one key of what its customer may. 100: no shares.',
      default: 90,
      minimum: 1,
      maximum: 100,
    }),
    connectionsPerCustomer: count('Device connections of one customer.', 20000, 1),
    connectionsPerAddress: count('Device connections from one address.', 5000, 1),
    handshakesPerSecond: count(
      'Handshakes a second in all; a burst of twice that is let through. Customers share them as they do connections (sharePercent).',
      500,
      1,
    ),
    framesPerSecond: count(
      'Frames a second and device; above it the socket is not read (P-7.2). 0: no limit.',
      1000,
    ),
    bytesPerSecond: count(
      'What the frames of a device may cost a second (P-2.2: bytes and items); above it the socket is not read (P-7.2). 0: no limit.',
      1048576,
    ),
    window: count('Frames that a device should have unacknowledged at most; told in welcome.', 1024, 1),
    invalidFramesPerMinute: count(
      'Frames that break a schema before the connection is closed with 4400 (P-2.3).',
      10,
      1,
    ),
    metricsPerDevice: count('Different metrics of one device.', 1024, 1),
    stateBytes: count(
      'What the last-known state of one device may cost in memory (P-2.2); a frame beyond it is refused, and the old values stay.',
      262144,
      1024,
    ),
    valueBytes: count('What one value of a metric may cost in memory (P-2.2).', 65536, 256),
    devicesPerCustomer: count(
      'Devices of one customer; beyond them a fleet key makes no new ones. Known devices always connect.',
      20000,
      1,
    ),
    viewers: count('Connections of the live channel in all.', 500, 1),
    httpConnections: count(
      'Connections in all that are no authenticated WebSocket (yet): plain HTTP and handshakes. One more displaces the one that was used least recently.',
      4096,
      16,
    ),
    httpConnectionsPerAddress: count(
      'The same from one address (of IPv6: one /64), unless it is a trusted proxy.',
      2048,
      8,
    ),
    viewerBytes: count('Bytes that wait for a slow viewer at most.', 1048576, 65536),
  },
  closed,
);

const Store = Type.Object(
  {
    engine: Type.Union([Type.Literal('files'), Type.Literal('memory')], {
      description:
        'files: durable, in the data folder. memory: nothing survives the process; for tests and demos.',
      default: 'files',
    }),
    segmentBytes: count('Size at which the telemetry log starts a new segment file.', 67108864, 65536),
    retentionBytes: count('The log keeps at most this many bytes.', 4294967296, 1048576),
    retentionHours: count('The log keeps frames at most this long.', 168, 1),
    commitSpacing: Type.Integer({
      description: 'Milliseconds between commits while frames keep coming.',
      default: 4,
      minimum: 0,
      maximum: 1000,
    }),
    batchBytes: count(
      'What the frames of the open batch cost (P-2.2: bytes and items) when sockets are no longer read.',
      8388608,
      65536,
    ),
    checkpointSeconds: Type.Integer({
      description: 'Seconds between checkpoints of last-known state.',
      default: 1,
      minimum: 1,
      maximum: 3600,
    }),
  },
  closed,
);

const Commands = Type.Object(
  {
    defaultTtlSeconds: count('How long a command lives whose sender does not say.', 60),
    maxTtlSeconds: count('The longest that a command may live.', 2592000, 1),
    acceptanceSeconds: Type.Integer({
      description: 'How long a connected device has to accept a command before it is written again (P-5.2).',
      default: 30,
      minimum: 1,
      maximum: 86400,
    }),
    inFlight: count('Commands that one device has written and not accepted at once; the rest waits.', 16, 1),
    argsBytes: Type.Integer({
      description:
        'Size of the arguments of a command, as CBOR; in memory they may cost eight times as much (P-2.2).',
      default: 16384,
      minimum: 1,
      maximum: 61440,
    }),
    waitingPerDevice: count('Commands of one device that are not final.', 100, 1),
    waiting: count('Commands in all that are not final.', 100000, 1),
    waitingPerCustomer: count("Commands of one customer's devices that are not final.", 20000, 1),
    waitingPerKey: count(
      "Commands that one key has asked of one customer's devices and that are not final.",
      10000,
      1,
    ),
    waitingGuaranteed: count(
      'Commands that are not final for which every customer has a place whatever others have, and every admin key whatever the keys of the customer have.',
      100,
    ),
    jobDevices: count('Devices of one job.', 20000, 1),
    jobsPerCustomer: count('Jobs of one customer that are not over.', 20, 1),
    desiredBytes: Type.Integer({
      description:
        'Size of the desired document of a device, as CBOR; in memory it may cost eight times as much (P-2.2).',
      default: 32768,
      minimum: 1024,
      maximum: 61440,
    }),
    keepDays: count('Days for which commands and jobs are kept after their end.', 30, 1),
    auditDays: count('Days for which the audit is kept.', 365, 1),
  },
  closed,
);

const Logging = Type.Object(
  {
    level: Type.Union(
      [Type.Literal('debug'), Type.Literal('info'), Type.Literal('warn'), Type.Literal('error')],
      { description: 'What is logged.', default: 'info' },
    ),
  },
  closed,
);

export const ConfigSchema = Type.Object(
  {
    data: Type.Optional(
      Type.String({ description: 'Data folder; default: $STATE_DIRECTORY, else ./data.', minLength: 1 }),
    ),
    server: Server,
    devices: Devices,
    limits: Limits,
    store: Store,
    commands: Commands,
    mqtt: Mqtt,
    log: Logging,
  },
  { additionalProperties: false, title: 'Signalbox configuration' },
);

/** As checked, with defaults filled in. `data` is always set after loading. */
export type Config = Type.Static<typeof ConfigSchema> & { data: string };
