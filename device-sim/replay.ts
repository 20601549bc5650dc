/**
 * Streams recorded data with its own timestamps (`signalbox sim replay`): each row is one measurement of its device. Rows
 * come in the order of the file, paced by the differences of their times; where time goes back, as in a file that has one
 * station after the other, there is no pause. Owns a client for each device that was met.
 */
import type { Clock } from '../broker/base/clock.ts';
import { FrameError } from '../broker/wire/frame-error.ts';
import { DeviceClient, NotDurable, systemClock } from '../client/index.ts';
import { needsPerson } from './device.ts';
import { type LayoutOptions, ReplayError } from './replay-layout.ts';
import { openRecording, type Reading, type Recording } from './replay-rows.ts';
import type { Report } from './report.ts';
import type { FleetKey } from './run.ts';
import { ClientTally } from './tally.ts';

export interface ReplayerOptions extends LayoutOptions {
  readonly path: string;
  readonly url: string;
  readonly key: FleetKey['key'];
  /** Times as fast as it was recorded; `max`: as fast as the broker acknowledges. */
  readonly speed: number | 'max';
  readonly delimiter?: string;
  /** How long the end waits for acknowledgements; ms, default 15,000. */
  readonly drain?: number;
  readonly clock?: Clock;
}

export interface ReplayReport extends Report {
  readonly rows: number;
  readonly badRows: number;
  /** The first bad rows, with their lines. */
  readonly badRowSamples: readonly string[];
}

/** What a device may hold unacknowledged before the file is read on; bytes. */
const AHEAD = 1_048_576;
const MOST_DEVICES = 5000;
const SAMPLES_OF_BAD = 10;
/** What a timer can wait; ms, 24.8 days. */
const LONGEST_PAUSE = 2 ** 31 - 1;

class Replayer {
  private readonly options: ReplayerOptions;
  private readonly clock: Clock;
  private readonly tally: ClientTally;
  private readonly clients = new Map<string, DeviceClient>();
  private readonly badRowSamples: string[] = [];
  private rows = 0;
  private badRows = 0;
  private previousTime: number | null = null;
  /** When the row at hand is due, monotonic ms; late rows shorten the pauses after them. */
  private dueAt: number | null = null;
  /** `turned away`: a device was refused, and only a person could change that. */
  private state: 'running' | 'stopping' | 'turned away' = 'running';
  private wake: () => void = () => {};

  constructor(options: ReplayerOptions) {
    this.options = options;
    this.clock = options.clock ?? systemClock;
    this.tally = new ClientTally(this.clock);
  }

  /**
   * Replays the file to its end, until `stop`, or until a device is turned away, which the report then tells. To be called
   * once. Rejects with ReplayError if the file cannot be understood or no row was good, and with what the file system says.
   */
  async run(): Promise<ReplayReport> {
    const recording = await openRecording(this.options.path, this.options);
    this.tally.start();
    let drain = 0;
    try {
      await this.play(recording);
      if (this.state !== 'turned away') drain = this.options.drain ?? 15_000;
    } finally {
      await Promise.all([...this.clients.values()].map((client) => client.stop({ drain })));
      this.tally.close();
    }
    if (this.rows > 0 && this.badRows === this.rows) {
      throw new ReplayError(`None of the ${this.rows} rows is good. ${this.badRowSamples.join('; ')}`);
    }
    return this.report();
  }

  /** Ends the replay after the row at hand; `run` then closes the report. Called again it waits no longer. */
  stop(): void {
    if (this.state !== 'running') for (const client of this.clients.values()) void client.stop();
    else this.state = 'stopping';
    this.wake();
  }

  report(): ReplayReport {
    const { rows, badRows, badRowSamples } = this;
    return { ...this.tally.report(), rows, badRows, badRowSamples };
  }

  private async play({ fields, rows }: Recording): Promise<void> {
    for await (const row of rows) {
      if (this.state !== 'running') return;
      this.rows += 1;
      if ('bad' in row) this.bad(row.line, row.bad);
      else await this.reading(row.good, fields);
    }
  }

  private async reading(reading: Reading, fields: readonly string[]): Promise<void> {
    const client = this.clientOf(reading, fields);
    if (!client) return;
    await this.pace(reading.time);
    if (this.state !== 'running') return;
    try {
      client.send(reading.values, { time: reading.time });
      this.tally.handedIn(1);
      if (client.held.bytes > AHEAD) await client.durable();
    } catch (error) {
      if (error instanceof FrameError) this.bad(reading.line, error.message);
      // What was given up is counted; a device that was turned away ends the replay.
      else if (!(error instanceof NotDurable)) throw error;
    }
  }

  /** Waits as long as the recording did, divided by the speed. */
  private async pace(time: number): Promise<void> {
    const { speed } = this.options;
    if (speed === 'max') return;
    const gap = Math.max(0, time - (this.previousTime ?? time));
    this.previousTime = time;
    this.dueAt = (this.dueAt ?? this.clock.monotonic()) + gap / speed;
    const pause = this.dueAt - this.clock.monotonic();
    if (pause <= 0) return;
    await new Promise<void>((resolve) => {
      const timer = this.clock.after(Math.min(pause, LONGEST_PAUSE), resolve);
      this.wake = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  private clientOf({ device, line }: Reading, fields: readonly string[]): DeviceClient | null {
    const known = this.clients.get(device);
    if (known) return known;
    if (this.clients.size >= MOST_DEVICES) {
      this.bad(line, `more than ${MOST_DEVICES} devices`);
      return null;
    }
    const { url, key } = this.options;
    const client = new DeviceClient({ url, key, device, fields, model: 'replay', clock: this.clock });
    this.tally.watch(client);
    client.on('refused', ({ status }) => {
      if (needsPerson(status)) this.turnAway(client);
    });
    client.on('ended', ({ reason }) => {
      if (reason === 'key-ended') this.turnAway(client);
    });
    client.start();
    this.clients.set(device, client);
    return client;
  }

  private turnAway(client: DeviceClient): void {
    this.state = 'turned away';
    this.wake();
    void client.stop();
  }

  private bad(line: number, reason: string): void {
    this.badRows += 1;
    if (this.badRowSamples.length < SAMPLES_OF_BAD) this.badRowSamples.push(`line ${line}: ${reason}`);
  }
}

/** Not started; call `run`. */
export function replay(options: ReplayerOptions): Replayer {
  return new Replayer(options);
}
