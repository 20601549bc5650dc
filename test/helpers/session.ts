/** Device sessions without sockets: a transport that the test reads, a log that commits at once, a clock that stands still. */
import { Counters } from '../../broker/hub/counters.ts';
import { EventFeed } from '../../broker/hub/events.ts';
import { Fleet } from '../../broker/hub/fleet.ts';
import { Ingest } from '../../broker/hub/ingest.ts';
import { Revisions } from '../../broker/hub/revisions.ts';
import type { SessionParts } from '../../broker/session/parts.ts';
import { Sessions } from '../../broker/session/sessions.ts';
import type { Transport } from '../../broker/session/transport.ts';
import { Turns } from '../../broker/session/turns.ts';
import type { Commit } from '../../broker/store/ports.ts';
import { parseBrokerFrame } from '../../broker/wire/broker-frames.ts';
import type { BrokerFrame } from '../../broker/wire/frames.ts';
import { FakeClock } from './clock.ts';
import { type Overrides, testConfig } from './config.ts';
import { type LogLine, recordingLog } from './log.ts';

export class FakeTransport implements Transport {
  readonly sent: BrokerFrame[] = [];
  readonly closes: { code: number; reason: string }[] = [];
  pings = 0;
  pauses = 0;
  state: 'reading' | 'paused' = 'reading';
  bufferedBytes = 0;

  send(bytes: Uint8Array): void {
    const frame = parseBrokerFrame(bytes);
    if (frame) this.sent.push(frame);
  }

  write(bytes: Uint8Array, written: () => void): void {
    this.send(bytes);
    written();
  }

  ping(): void {
    this.pings += 1;
  }

  close(code: number, reason: string): void {
    this.closes.push({ code, reason });
  }

  pause(): void {
    this.state = 'paused';
    this.pauses += 1;
  }

  resume(): void {
    this.state = 'reading';
  }

  /** What was sent since the last call. */
  take(): BrokerFrame[] {
    return this.sent.splice(0);
  }
}

/** Commits at once, unless it is held. */
class ImmediateLog {
  held: (() => void)[] | null = null;
  private end = 0;

  async append(payload: Uint8Array<ArrayBuffer>): Promise<Commit> {
    const { held } = this;
    if (held) await new Promise<void>((resolve) => held.push(resolve));
    const position = this.end;
    this.end += payload.length;
    return { position, end: this.end };
  }

  release(): void {
    for (const go of this.held ?? []) go();
    this.held = null;
  }
}

export const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** What a test may put in the place of commands. */
export interface HarnessOrders<Commands extends SessionParts['commands']> {
  readonly commands: Commands;
  readonly onReady: SessionParts['onReady'];
}

interface OrdersParts {
  readonly fleet: Fleet;
  readonly ingest: Ingest;
  readonly clock: FakeClock;
}

const NO_COMMANDS = { knows: () => false };
/** Of every device. */
const NEWEST_DESIRED = 3;

export function sessionHarness<Commands extends SessionParts['commands'] = typeof NO_COMMANDS>(
  overrides: Overrides = {},
  orders?: (parts: OrdersParts) => HarnessOrders<Commands>,
) {
  const clock = new FakeClock();
  const config = testConfig('unused', overrides);
  const fleet = new Fleet(new Revisions(clock.now()));
  const counters = new Counters();
  const log = new ImmediateLog();
  const limits = { ...config.store, ...config.limits };
  const ingest = new Ingest({ log, fleet, events: new EventFeed(), counters, clock, limits });
  const lines: LogLine[] = [];
  const turns = new Turns();
  const { commands, onReady } = orders?.({ fleet, ingest, clock }) ?? {
    commands: NO_COMMANDS as unknown as Commands,
    onReady: () => {},
  };
  const parts = {
    fleet,
    ingest,
    commands,
    desired: { latestVersion: () => NEWEST_DESIRED },
    onReady,
    turns,
    counters,
    clock,
    config,
    logger: recordingLog(lines),
    frameBytes: 65536,
  };
  const sessions = new Sessions(parts, () => 0.5);
  const open = (session = 's1', keyId = 'key1', id = 'pump') => {
    const transport = new FakeTransport();
    const device = fleet.obtain('acme', id);
    return { transport, device, session: sessions.open({ session, keyId, device }, transport) };
  };
  return { clock, fleet, counters, log, ingest, sessions, commands, open, lines };
}
