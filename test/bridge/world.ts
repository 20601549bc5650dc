/** A bridge in this process, with its thread, on a log of its own and a fleet that the test moves. */
import { onTestFinished } from 'vitest';
import type { Clock } from '../../broker/base/clock.ts';
import { Forwarder } from '../../broker/bridge/forwarder.ts';
import type { BridgeStatus, OutageStatement } from '../../broker/bridge/status.ts';
import { bridgeThreads } from '../../broker/bridge/worker-client.ts';
import { Counters } from '../../broker/hub/counters.ts';
import type { Member } from '../../broker/hub/fleet/device.ts';
import { EventFeed } from '../../broker/hub/fleet/events.ts';
import { Fleet } from '../../broker/hub/fleet/fleet.ts';
import { Revisions } from '../../broker/hub/fleet/revisions.ts';
import { Ingest, type LiveSource } from '../../broker/hub/telemetry/ingest.ts';
import { systemEnvironment } from '../../broker/main.ts';
import { SourceHandle } from '../../broker/store/batch.ts';
import { openStores } from '../../broker/store/open.ts';
import { encodeEvent, encodeResult, encodeTelemetry } from '../../broker/wire/encode.ts';
import type { DataFrame, ResultFrame, Value } from '../../broker/wire/frames.ts';
import { FrameReader } from '../../broker/wire/reader.ts';
import { type Overrides, testConfig } from '../helpers/config.ts';
import { followFrom } from '../helpers/gated-log.ts';
import { type LogLine, recordingLog } from '../helpers/log.ts';
import { connects } from '../helpers/presence.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

export class World {
  readonly lines: LogLine[] = [];
  readonly statements: OutageStatement[] = [];
  readonly fleet: Fleet;
  readonly stores;
  readonly ingest: Ingest;
  readonly bridge: Forwarder;
  private readonly origins = new Map<string, LiveSource & { seq: number }>();
  private readonly reader = new FrameReader();

  private readonly clock: Clock;

  constructor(
    folder: string,
    mqtt: Overrides['mqtt'],
    { clock = systemEnvironment.clock, ...log }: WorldOptions,
  ) {
    this.clock = clock;
    this.fleet = new Fleet(new Revisions(clock.now()));
    const config = testConfig(folder, { mqtt: { reconnectSeconds: 1, ...mqtt } });
    const logger = recordingLog(this.lines);
    const limits = {
      segmentBytes: 1_048_576,
      retentionBytes: 1e9,
      retentionAgeMs: 1e9,
      recentBytes: 1e6,
      ...log,
    };
    this.stores = openStores({ engine: 'files', folder, log: limits, clock, logger });
    this.ingest = new Ingest({
      log: this.stores.log,
      fleet: this.fleet,
      events: new EventFeed(),
      counters: new Counters(),
      clock,
      limits: {
        metricsPerDevice: 100,
        stateBytes: 262_144,
        valueBytes: 65_536,
        batchBytes: 8_388_608,
        commitSpacing: 1,
      },
    });
    this.bridge = new Forwarder({
      config: config.mqtt,
      log: this.stores.log,
      fleet: this.fleet,
      startThread: bridgeThreads(),
      clock,
      logger,
      onOutage: (statement) => this.statements.push(statement),
    });
  }

  async stop(): Promise<void> {
    await this.bridge.stop();
    await this.stores.stop();
  }

  /** One sample, as a device of `acme` sends it. */
  sample(device: string, values: Readonly<Record<string, Value>>): void {
    this.frame(device, (seq) => encodeTelemetry(seq, null, values));
  }

  /** Samples `from` to `to` of each device, by turns, committed when it resolves. */
  async samples(
    devices: readonly string[],
    from: number,
    to: number,
    values: Readonly<Record<string, Value>> = {},
  ): Promise<void> {
    for (let n = from; n <= to; n += 1) {
      for (const device of devices) this.sample(device, { n, ...values });
      if (n % 50 === 0) await this.ingest.flushed();
    }
    await this.ingest.flushed();
    // As the checkpoint of state does: retention stops there.
    this.stores.log.hold('state', this.ingest.position);
  }

  event(device: string, name: string, data: Value): void {
    this.frame(device, (seq) => encodeEvent(seq, null, 4, name, data));
  }

  /** What `encode` makes of the device's next seq. */
  frame(device: string, encode: (seq: number) => Uint8Array): void {
    const origin = this.origin(device);
    origin.seq += 1;
    this.accept(origin, encode(origin.seq));
  }

  result(device: string, id: string): void {
    const bytes = encodeResult(id, 3, 'ok');
    this.ingest.acceptControl(
      this.origin(device),
      this.reader.read(bytes) as ResultFrame,
      bytes,
      this.clock.now(),
    );
  }

  connect(device: string): Member {
    const member: Member = {
      session: 's',
      keyId: 'k',
      heardAt: this.clock.now(),
      ready: true,
      bufferedBytes: 0,
      write() {},
      end() {},
    };
    connects(this.fleet, this.fleet.obtain('acme', device), member, this.clock.now());
    return member;
  }

  /** Resolves when the bridge stands as wanted. */
  async until(wanted: (status: BridgeStatus) => boolean): Promise<BridgeStatus> {
    for (;;) {
      const status = this.bridge.status();
      if (wanted(status)) return status;
      await new Promise<void>((resolve) => systemEnvironment.clock.after(10, resolve));
    }
  }

  /** Resolves when the peer has everything that was committed. */
  async drained(): Promise<void> {
    await this.ingest.flushed();
    await this.until(({ backlog }) => backlog.bytes === 0);
  }

  private accept(origin: LiveSource, bytes: Uint8Array): void {
    const accepted = this.ingest.accept(
      origin,
      this.reader.read(bytes) as DataFrame,
      bytes,
      this.clock.now(),
    );
    if (accepted !== 'accepted') throw new Error(`a frame was ${accepted}`);
  }

  private origin(id: string): LiveSource & { seq: number } {
    const known = this.origins.get(id);
    if (known) return known;
    const device = this.fleet.obtain('acme', id);
    const identity = { customer: 'acme', device: id, session: 's', boot: 'u1', fields: null };
    const source = new SourceHandle(identity);
    const progress = device.boots.enter('u1');
    const origin = {
      device,
      source,
      boot: 'u1',
      progress,
      durable: () => {},
      introduced: () => {},
      session: 's',
      seq: 0,
    };
    this.origins.set(id, origin);
    return origin;
  }
}

export interface WorldOptions {
  readonly folder?: string;
  readonly retentionBytes?: number;
  /** Of the event loop; the bridge's thread has its own. */
  readonly clock?: Clock;
}

/** Started; stopped when the test is over. */
export async function startWorld(mqtt: Overrides['mqtt'], options: WorldOptions = {}): Promise<World> {
  const { folder = temporaryFolder() } = options;
  const world = new World(folder, mqtt, options);
  onTestFinished(() => world.stop());
  const bounds = await world.stores.start();
  followFrom(world.ingest, bounds.end);
  world.bridge.start();
  return world;
}
