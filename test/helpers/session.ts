/** Device sessions without sockets: a transport that the test reads, a log that commits at once, a clock that stands still. */
import { Counters } from '../../broker/hub/counters.ts';
import { EventFeed } from '../../broker/hub/fleet/events.ts';
import { Fleet } from '../../broker/hub/fleet/fleet.ts';
import { Revisions } from '../../broker/hub/fleet/revisions.ts';
import { Ingest } from '../../broker/hub/telemetry/ingest.ts';
import type { SessionParts, Transport } from '../../broker/session/parts.ts';
import { ReadScheduler } from '../../broker/session/read-scheduler.ts';
import type { DeviceSession } from '../../broker/session/session.ts';
import { Sessions } from '../../broker/session/sessions.ts';
import { parseBrokerFrame } from '../../broker/wire/broker-frames.ts';
import type { BrokerFrame } from '../../broker/wire/frames.ts';
import { FakeClock } from './clock.ts';
import { type Overrides, testConfig } from './config.ts';
import { followFrom, GatedLog } from './gated-log.ts';
import { type LogLine, recordingLog } from './log.ts';

/** A message as the fake transport cuts it out of a stream: its length in two bytes, then itself. */
export function framed(...messages: Uint8Array[]): Uint8Array {
  return Buffer.concat(
    messages.flatMap((message) => [Buffer.of(message.length >> 8, message.length), message]),
  );
}

/** A connection with its end of the kernel: what arrives while it is not read waits there, in the chunks in which it came. */
export class FakeTransport implements Transport {
  session: DeviceSession | null = null;
  readonly kernel: Uint8Array[] = [];
  isOpen = true;
  private partial = Buffer.alloc(0);
  readonly sent: BrokerFrame[] = [];
  readonly closes: { code: number; reason: string }[] = [];
  pings = 0;
  stops = 0;
  state: 'reading' | 'stopped' = 'reading';
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

  deliver(bytes: Uint8Array): void {
    if (!this.isOpen) throw new Error('bytes came after the end');
    this.partial = Buffer.concat([this.partial, bytes]);
    while (this.partial.length >= 2 && this.partial.length >= 2 + this.partial.readUInt16BE(0)) {
      const end = 2 + this.partial.readUInt16BE(0);
      this.session?.receive(this.partial.subarray(2, end));
      this.partial = this.partial.subarray(end);
    }
  }

  get unfinishedBytes(): number {
    return this.partial.length;
  }

  stopReading(): void {
    this.state = 'stopped';
    this.stops += 1;
  }

  startReading(): void {
    this.state = 'reading';
  }

  /** The event loop polls: what waits in the kernel is read, chunk by chunk, as long as the socket is read at all. */
  poll(): void {
    while (this.state === 'reading' && this.kernel.length > 0)
      this.session?.accept(this.kernel.shift() as Uint8Array);
  }

  /** Chunks come, and the loop polls. */
  arrive(...chunks: Uint8Array[]): void {
    this.kernel.push(...chunks);
    this.poll();
  }

  /** What was sent since the last call. */
  take(): BrokerFrame[] {
    return this.sent.splice(0);
  }
}

export const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** What a test may put in the place of commands. */
export interface HarnessControl<Commands extends SessionParts['commands']> {
  readonly commands: Commands;
  readonly onReady: SessionParts['onReady'];
}

interface ControlParts {
  readonly fleet: Fleet;
  readonly ingest: Ingest;
  readonly clock: FakeClock;
}

const NO_COMMANDS = { knows: () => false };
/** Of every device. */
const NEWEST_DESIRED = 3;

export function sessionHarness<Commands extends SessionParts['commands'] = typeof NO_COMMANDS>(
  overrides: Overrides = {},
  control?: (parts: ControlParts) => HarnessControl<Commands>,
) {
  const clock = new FakeClock();
  const config = testConfig('unused', overrides);
  const fleet = new Fleet(new Revisions(clock.now()));
  const counters = new Counters();
  const log = new GatedLog();
  const limits = { ...config.store, ...config.limits };
  const ingest = new Ingest({ log, fleet, events: new EventFeed(), counters, clock, limits });
  followFrom(ingest);
  const lines: LogLine[] = [];
  const reads = new ReadScheduler({ ingest, counters, clock });
  const { commands, onReady } = control?.({ fleet, ingest, clock }) ?? {
    commands: NO_COMMANDS as unknown as Commands,
    onReady: () => {},
  };
  const parts = {
    fleet,
    ingest,
    commands,
    desired: { latestVersion: () => NEWEST_DESIRED },
    onReady,
    reads,
    counters,
    clock,
    config,
    logger: recordingLog(lines),
    frameBytes: 65536,
  };
  const sessions = new Sessions(parts, () => 0.5);
  const open = (session = 's1', keyId = 'key1', id = 'pump', customer = 'acme') => {
    const transport = new FakeTransport();
    const device = fleet.obtain(customer, id);
    const opened = sessions.open({ session, keyId, device }, transport);
    transport.session = opened;
    return { transport, device, session: opened };
  };
  return { clock, fleet, counters, log, ingest, reads, sessions, commands, open, lines };
}
