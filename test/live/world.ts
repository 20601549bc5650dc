/** A live channel on a fleet that the test fills, with viewers that read or do not. */

import type { Caller } from '../../broker/access/caller.ts';
import { Counters } from '../../broker/hub/counters.ts';
import { DesiredStates } from '../../broker/hub/desired/desired-states.ts';
import type { Device, Member } from '../../broker/hub/fleet/device.ts';
import { EventFeed } from '../../broker/hub/fleet/events.ts';
import { Fleet } from '../../broker/hub/fleet/fleet.ts';
import { Revisions } from '../../broker/hub/fleet/revisions.ts';
import { LiveChannel } from '../../broker/live/channel.ts';
import type { ViewerConnection, ViewerTransport } from '../../broker/live/transport.ts';
import { positionOf } from '../../broker/store/position.ts';
import { FRAME, type Value, type ValueMap } from '../../broker/wire/frames.ts';
import type { Stats } from '../../schemas/api.ts';
import type { ServerMessage } from '../../schemas/live.ts';
import { FakeClock } from '../helpers/clock.ts';
import { silentLog } from '../helpers/log.ts';
import { connects, disconnects } from '../helpers/presence.ts';
import { SOME_BRIDGE } from '../helpers/some-bridge.ts';
import { FakeCommands } from './commands.ts';

export type MessageOf<Type extends ServerMessage['type']> = Extract<ServerMessage, { type: Type }>;

/** A viewer's end: keeps what it read. While it does not read, messages wait as bytes in the broker. */
export class FakeViewer implements ViewerTransport {
  readonly read: ServerMessage[] = [];
  readonly closes: { readonly code: number; readonly reason: string }[] = [];
  mostBuffered = 0;
  private waiting: Buffer[] = [];
  private state: 'reading' | 'stuck' = 'reading';
  connection: ViewerConnection | null = null;

  send(text: string | Buffer): void {
    this.waiting.push(Buffer.from(text));
    this.mostBuffered = Math.max(this.mostBuffered, this.bufferedBytes);
    if (this.state === 'reading') this.take(Number.POSITIVE_INFINITY);
  }

  get bufferedBytes(): number {
    return this.waiting.reduce((sum, message) => sum + message.length, 0);
  }

  close(code: number, reason: string): void {
    this.closes.push({ code, reason });
  }

  /** Reads nothing from now on. */
  stall(): void {
    this.state = 'stuck';
  }

  /** Reads everything that waits, and goes on reading. */
  resume(): void {
    this.state = 'reading';
    this.take(Number.POSITIVE_INFINITY);
  }

  /** Reads a few messages and stalls again. */
  take(messages: number): void {
    for (const message of this.waiting.splice(0, messages)) this.read.push(JSON.parse(message.toString()));
  }

  says(message: object): void {
    this.connection?.receive(JSON.stringify(message));
  }

  of<Type extends ServerMessage['type']>(type: Type): MessageOf<Type>[] {
    return this.read.filter((message): message is MessageOf<Type> => message.type === type);
  }

  /** What has been read since the last call, but for stats. */
  news(): ServerMessage[] {
    return this.read.splice(0).filter(({ type }) => type !== 'stats');
  }
}

export class World {
  readonly clock = new FakeClock();
  readonly fleet = new Fleet(new Revisions(this.clock.now()));
  readonly events = new EventFeed();
  readonly counters = new Counters();
  readonly commands = new FakeCommands(() => this.clock.now());
  /** Resolves when documents are durable. */
  save: () => Promise<void> = async () => {};
  readonly desired = new DesiredStates({
    store: { loadDesired: async () => ({ items: [], next: null }), saveDesired: () => this.save() },
    ingest: { position: positionOf(0) },
    clock: this.clock,
    limits: { desiredBytes: 65_536 },
  });
  readonly live: LiveChannel;
  private sessions = 0;

  constructor(viewerBytes = 1_048_576) {
    const { clock, fleet, events, commands, desired, counters } = this;
    const stats = () => someStats(fleet, clock.now());
    this.live = new LiveChannel({
      fleet,
      events,
      commands,
      desired,
      counters,
      clock,
      logger: silentLog,
      stats,
      limits: { viewerBytes },
    });
    this.live.start();
  }

  viewer(customer = '*', keyId = 'abcd1234'): FakeViewer {
    const viewer = new FakeViewer();
    const role: Caller['role'] = customer === '*' ? 'admin' : 'viewer';
    viewer.connection = this.live.open(viewer, { keyId, role, customer, device: null });
    return viewer;
  }

  device(name: string): Device {
    const [customer = '', id = ''] = name.split('/');
    return this.fleet.obtain(customer, id);
  }

  connects(name: string): Member {
    this.sessions += 1;
    const member: Member = {
      session: `s${this.sessions}`,
      keyId: 'devi1234',
      heardAt: this.clock.now(),
      ready: true,
      bufferedBytes: 0,
      write: () => {},
      end: () => {},
    };
    connects(this.fleet, this.device(name), member, this.clock.now());
    return member;
  }

  disconnects(name: string, reason = 'device-closed'): void {
    const device = this.device(name);
    if (device.member) disconnects(this.fleet, device, device.member, this.clock.now(), reason);
  }

  /** A committed telemetry frame. */
  measures(name: string, values: Readonly<Record<string, Value>>): void {
    const device = this.device(name);
    const rev = this.fleet.touch(device);
    const names = Object.keys(values);
    const columns = device.metrics.columnsFor(names, Number.POSITIVE_INFINITY);
    if (!columns) throw new Error('no limit was set');
    device.lastDataAt = this.clock.now();
    device.metrics.merge(
      columns,
      { names, values: Object.values(values) },
      this.clock.now(),
      this.clock.now(),
      rev,
    );
  }

  /** A committed event frame. */
  happens(name: string, event: string, data: Value = null): void {
    const device = this.device(name);
    const rev = this.fleet.touch(device);
    const at = this.clock.now();
    device.lastDataAt = at;
    this.events.publish(device, { time: at, receivedAt: at, severity: 5, name: event, data, rev });
  }

  /** A committed reported frame. */
  reports(name: string, version: number, values: ValueMap): void {
    const { customer, id } = this.device(name);
    const frame = { kind: FRAME.reported, version, values } as const;
    this.desired.reported({
      customer,
      device: id,
      frame,
      arrival: this.clock.now(),
      position: positionOf(1),
    });
  }

  forgets(name: string): void {
    const device = this.device(name);
    this.disconnects(name);
    this.fleet.forget(device);
  }

  /** To the next update. */
  tick(): void {
    this.clock.advance(250);
  }
}

function someStats(fleet: Fleet, at: number): Stats {
  const zero = { frames: 0, samples: 0, bytes: 0, commits: 0, acks: 0 };
  return {
    at,
    version: '0.1.0',
    startedAt: 1_779_999_990_000,
    uptimeSeconds: 10,
    devices: { total: fleet.total, online: fleet.online, neverSeen: fleet.neverSeen },
    broker: {
      viewers: 1,
      rates: zero,
      totals: {
        ...zero,
        repeated: 0,
        events: 0,
        connections: 0,
        takeovers: 0,
        viewers: 1,
        viewerSkips: 0,
        viewersClosedSlow: 0,
      },
      pauses: {},
      refusals: {},
      frameErrors: {},
      closes: {},
      commands: { waiting: 0, steps: {} },
      bridge: SOME_BRIDGE,
      log: { bytes: 0, segments: 1, first: 0, end: 0, waitingFrames: 0, lost: {} },
      storesWaiting: { log: 0, database: 0 },
      memory: { residentBytes: 1, heapBytes: 1, externalBytes: 1 },
      eventLoopDelay: { p50: 0, p99: 0, max: 0 },
    },
  };
}

/** A viewer of `topic` that has its snapshot, and a device that it may see. */
export function watchingWorld(topic = 'acme/+', customer = '*') {
  const world = new World();
  world.connects('acme/pump-7');
  const viewer = world.viewer(customer);
  viewer.says({ type: 'subscribe', id: 1, topic });
  world.tick();
  viewer.news();
  return { world, viewer, commands: world.commands, device: world.device('acme/pump-7') };
}
