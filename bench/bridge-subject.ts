/**
 * A process of the bridge's benchmark: mqtt.js alone, the bridge draining a log, or ingestion beside a bridge whose peer is
 * away. Compiled code, without HTTP and sockets of devices: what is measured is the bridge and what it takes from ingestion.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { answer } from './peer.ts';

export type SubjectRequest =
  /** Publishes at QoS 1 with so many in flight. */
  | { readonly ask: 'mqtt.js'; readonly url: string; readonly messages: number; readonly inFlight: number }
  /** Puts samples into a log, then lets the bridge drain it. */
  | { readonly ask: 'bridge'; readonly url: string; readonly messages: number; readonly inFlight: number }
  /** Ingests as fast as it goes; an empty `url`: without a bridge. */
  | { readonly ask: 'ingest'; readonly url: string; readonly seconds: number };

export interface SubjectMark {
  readonly perSecond: number;
  /** CPU of the process with all threads, µs a message. */
  readonly cpu: number;
}

const DEVICES = 200;
const PAYLOAD = JSON.stringify({
  time: 1_780_000_000_000,
  seq: 123_456,
  values: { temp: 21.5, rpm: 1450, load: 0.73 },
});

const dist = (file: string) => new URL(`../dist/broker/${file}`, import.meta.url).href;
const load = async <Module>(file: string): Promise<Module> => (await import(dist(file))) as Module;
type Files<Module> = Promise<Module>;
const modules = {
  bridge: load('bridge/forwarder.js') as Files<typeof import('../broker/bridge/forwarder.ts')>,
  threads: load('bridge/worker-client.js') as Files<typeof import('../broker/bridge/worker-client.ts')>,
  config: load('config/config.js') as Files<typeof import('../broker/config/config.ts')>,
  environment: load('main.js') as Files<typeof import('../broker/main.ts')>,
  stores: load('store/open.js') as Files<typeof import('../broker/store/open.ts')>,
  ingest: load('hub/telemetry/ingest.js') as Files<typeof import('../broker/hub/telemetry/ingest.ts')>,
  counters: load('hub/counters.js') as Files<typeof import('../broker/hub/counters.ts')>,
  events: load('hub/fleet/events.js') as Files<typeof import('../broker/hub/fleet/events.ts')>,
  fleet: load('hub/fleet/fleet.js') as Files<typeof import('../broker/hub/fleet/fleet.ts')>,
  revisions: load('hub/fleet/revisions.js') as Files<typeof import('../broker/hub/fleet/revisions.ts')>,
  batch: load('store/batch.js') as Files<typeof import('../broker/store/batch.ts')>,
  encode: load('wire/encode.js') as Files<typeof import('../broker/wire/encode.ts')>,
  reader: load('wire/reader.js') as Files<typeof import('../broker/wire/reader.ts')>,
};

/** A log, a fleet and a bridge in a folder of their own. */
async function compose(url: string, inFlight: number) {
  const folder = mkdtempSync(join(process.env.BENCH_FOLDER ?? tmpdir(), 'signalbox-bench-'));
  const { clock } = (await modules.environment).systemEnvironment;
  const drop = () => {};
  const logger = { debug: drop, info: drop, warn: drop, error: console.error, child: () => logger };
  const log = { segmentBytes: 67_108_864, retentionBytes: 4e9, retentionAgeMs: 1e9, recentBytes: 16e6 };
  const stores = (await modules.stores).openStores({ engine: 'files', folder, log, clock, logger });
  const fleet = new (await modules.fleet).Fleet(new (await modules.revisions).Revisions(clock.now()));
  const ingest = new (await modules.ingest).Ingest({
    log: stores.log,
    fleet,
    events: new (await modules.events).EventFeed(),
    counters: new (await modules.counters).Counters(),
    clock,
    limits: {
      metricsPerDevice: 100,
      stateBytes: 262_144,
      valueBytes: 65_536,
      batchBytes: 8_388_608,
      commitSpacing: 4,
    },
  });
  const environment = { SIGNALBOX_MQTT_URL: url, SIGNALBOX_MQTT_IN_FLIGHT: String(inFlight) };
  const { mqtt } = (await modules.config).loadConfig({
    environment: { ...environment, SIGNALBOX_MQTT_STATE: 'off' },
  });
  const bridge = new (await modules.bridge).Forwarder({
    config: mqtt,
    log: stores.log,
    fleet,
    startThread: (await modules.threads).bridgeThreads(),
    clock,
    logger,
    onOutage: drop,
  });
  const bounds = await stores.start();
  await ingest.follow(bounds.end, () => []);
  const stop = async () => {
    await bridge.stop();
    await stores.stop();
    rmSync(folder, { recursive: true });
  };
  return { bridge, ingest, log: stores.log, fleet, clock, stop };
}

type Composed = Awaited<ReturnType<typeof compose>>;

/** One frame of each device a call. */
async function sender({ ingest, fleet, clock }: Composed): Promise<() => void> {
  const { SourceHandle } = await modules.batch;
  const { encodeTelemetry } = await modules.encode;
  const reader = new (await modules.reader).FrameReader();
  const origins = Array.from({ length: DEVICES }, (_, index) => {
    const device = fleet.obtain('bench', `pump-${index}`);
    const source = new SourceHandle({
      customer: 'bench',
      device: device.id,
      session: 's',
      boot: 'u1',
      fields: null,
    });
    return {
      device,
      source,
      session: 's',
      boot: 'u1',
      progress: device.boots.enter('u1'),
      durable: () => {},
      introduced: () => {},
    };
  });
  let seq = 0;
  return () => {
    seq += 1;
    const bytes = encodeTelemetry(seq, null, { temp: 21.5, rpm: 1450, load: 0.73 });
    const now = clock.now();
    for (const origin of origins) {
      const frame = reader.read(bytes);
      if (frame.kind === 1) ingest.accept(origin, frame, bytes, now);
    }
  };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

async function publishAlone(url: string, messages: number, inFlight: number): Promise<SubjectMark> {
  const client = await connectAsync(url, { clientId: 'alone', clean: true });
  const mark = begin();
  await new Promise<void>((resolve) => {
    let sent = 0;
    let acked = 0;
    const more = () => {
      for (; sent < messages && sent - acked < inFlight; sent += 1) {
        client.publish(`signalbox/bench/pump-${sent % DEVICES}/telemetry`, PAYLOAD, { qos: 1 }, () => {
          acked += 1;
          if (acked === messages) resolve();
          else more();
        });
      }
    };
    more();
  });
  const result = mark(messages);
  await client.endAsync();
  return result;
}

async function drain(url: string, messages: number, inFlight: number): Promise<SubjectMark> {
  const composed = await compose(url, inFlight);
  const send = await sender(composed);
  const { bridge, ingest, log } = composed;
  // The bridge's cursor is there before the samples, and the log fills behind it.
  (await log.reader('mqtt', 'end')).close();
  for (let count = 0; count < messages; count += DEVICES) {
    while (ingest.full) await turn();
    send();
  }
  await ingest.flushed();
  bridge.start();
  while (bridge.status().state !== 'connected') await turn();
  const mark = begin();
  while (bridge.status().backlog.bytes > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const result = mark(bridge.status().sent);
  await composed.stop();
  return result;
}

async function ingestBeside(url: string, seconds: number): Promise<SubjectMark> {
  const composed = await compose(url, 1000);
  const send = await sender(composed);
  composed.bridge.start();
  const run = async (milliseconds: number): Promise<number> => {
    const until = performance.now() + milliseconds;
    let frames = 0;
    for (; performance.now() < until; frames += DEVICES) {
      while (composed.ingest.full) await turn();
      send();
      await turn();
    }
    return frames;
  };
  // Until the thread of the bridge has loaded its code.
  await run(2000);
  const mark = begin();
  const result = mark(await run(seconds * 1000));
  await composed.stop();
  return result;
}

function begin(): (messages: number) => SubjectMark {
  const start = performance.now();
  const cpu = process.cpuUsage();
  return (messages) => {
    const { user, system } = process.cpuUsage(cpu);
    return {
      perSecond: (messages * 1000) / (performance.now() - start),
      cpu: (user + system) / messages,
    };
  };
}

answer<SubjectRequest>((request) => {
  if (request.ask === 'ingest') return ingestBeside(request.url, request.seconds);
  const { url, messages, inFlight } = request;
  return request.ask === 'bridge' ? drain(url, messages, inFlight) : publishAlone(url, messages, inFlight);
});
