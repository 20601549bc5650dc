/**
 * Writes the last-known state of changed devices to the state store about once a second, and at stop, so that a start
 * has little to replay; commands and documents are saved on the same occasion. Works in slices, so that a fleet of many
 * devices never holds the event loop. Before it says up to which log position it stands it proves that the rows do: a
 * position without its rows would lose what was acknowledged, at the next start and for ever.
 */
import { inBackground } from '../../base/background.ts';
import type { Clock, Timer } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { StateStore, TelemetryLog } from '../../store/ports.ts';
import type { Position } from '../../store/position.ts';
import type { Device } from '../fleet/device.ts';
import type { Changes, Fleet } from '../fleet/fleet.ts';
import { writeDevice } from './device-record.ts';
import type { Ingest } from './ingest.ts';

/** Devices encoded in one turn: about a millisecond. */
const SLICE = 256;

export interface CheckpointParts {
  /** Tracks from before replay, so that the first checkpoint holds what replay brought. */
  readonly changes: Changes;
  readonly fleet: Fleet;
  readonly ingest: Pick<Ingest, 'position'>;
  readonly state: Pick<StateStore, 'saveDevices' | 'setCheckpointPosition'>;
  /** What else the log adds up to: each saves everything that the log has said so far. */
  readonly others: readonly (() => Promise<void>)[];
  readonly log: Pick<TelemetryLog, 'hold'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly intervalMs: number;
}

export class Checkpoint {
  private readonly parts: CheckpointParts;
  private timer: Timer | null = null;
  private running: Promise<void> | null = null;
  private written: Position | null = null;
  private state: 'idle' | 'started' | 'stopped' = 'idle';

  constructor(parts: CheckpointParts) {
    this.parts = parts;
  }

  /** After replay. */
  start(): void {
    const { clock, intervalMs, logger } = this.parts;
    this.state = 'started';
    this.timer = clock.every(intervalMs, () => {
      inBackground(this.run(), logger, 'The checkpoint failed.');
    });
  }

  /** One checkpoint; if one is running, waits for it and then runs again. Rejects with the store's error. */
  async run(): Promise<void> {
    while (this.running) await this.running;
    this.running = this.write().finally(() => {
      this.running = null;
    });
    await this.running;
  }

  /** The last checkpoint. Idempotent. */
  async stop(): Promise<void> {
    if (this.state !== 'started') return;
    this.abandon();
    await this.run();
  }

  /** Stops without writing; after a failure, when the store takes nothing more. */
  abandon(): void {
    this.timer?.cancel();
    this.timer = null;
    this.state = 'stopped';
  }

  private async write(): Promise<void> {
    const { changes, ingest, state, log, others } = this.parts;
    const { position } = ingest;
    const devices = changes.drain();
    if (devices.length === 0 && position === this.written) return;
    const owed = this.owed();
    await this.saveDevices(devices);
    for (const save of others) await save();
    this.prove(owed, position);
    await state.setCheckpointPosition(position);
    log.hold('state', position);
    this.written = position;
  }

  private async saveDevices(devices: readonly Device[]): Promise<void> {
    for (let at = 0; at < devices.length; at += SLICE) {
      try {
        await this.saveSlice(devices.slice(at, at + SLICE));
      } catch (error) {
        // Nobody else knows that these changed.
        for (const device of devices.slice(at)) this.parts.changes.note(device);
        throw error;
      }
    }
  }

  /** Encoded now, so the rows hold everything up to the position of now, which may be ahead of the checkpoint's. */
  private async saveSlice(slice: readonly Device[]): Promise<void> {
    const { ingest, state } = this.parts;
    const { position } = ingest;
    const devices = slice.filter((device) => this.isKnown(device));
    try {
      // The rows are let go at once: kept until the answer they tripled the collector's work.
      await state.saveDevices(devices.map((device) => writeDevice(device, position)));
    } catch (error) {
      for (const { metrics } of devices) metrics.markUnsaved();
      throw error;
    }
    for (const device of devices) device.savedTo = position;
  }

  /** The devices whose rows lag behind what was applied to them, found without the list of changes. */
  private owed(): Device[] {
    const owed: Device[] = [];
    for (const device of this.parts.fleet.devices('*')) {
      if (device.appliedTo > device.savedTo) owed.push(device);
    }
    return owed;
  }

  /** Throws if a row lacks something of before `position`; the next checkpoint saves it. */
  private prove(owed: readonly Device[], position: Position): void {
    const lacking = owed.filter((device) => device.savedTo < position && this.isKnown(device));
    const [first] = lacking;
    if (!first) return;
    for (const device of lacking) this.parts.changes.note(device);
    throw new Error(
      `The state of ${first.name} and ${lacking.length - 1} other devices was not saved up to log position ` +
        `${position}, so the checkpoint stays at ${this.written}. Nothing is lost; please report this fault of the broker.`,
    );
  }

  private isKnown(device: Device): boolean {
    return this.parts.fleet.find(device.customer, device.id) === device;
  }
}
