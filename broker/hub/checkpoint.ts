/**
 * Writes the last-known state of changed devices to the state store about once a second, and at stop, so that a start
 * has little to replay; commands and documents are saved on the same occasion. Works in slices, so that a fleet of many
 * devices never holds the event loop.
 */
import type { DeviceRow, StateStore, TelemetryLog } from '../store/ports.ts';
import type { Clock, Log, Timer } from '../wire/environment.ts';
import type { Changes } from './changes.ts';
import type { Device } from './device.ts';
import { writeDevice } from './device-record.ts';
import type { Fleet } from './fleet.ts';
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
  readonly logger: Log;
  readonly intervalMs: number;
}

export class Checkpoint {
  private readonly parts: CheckpointParts;
  private timer: Timer | null = null;
  private running: Promise<void> | null = null;
  private written = -1;
  private state: 'idle' | 'started' | 'stopped' = 'idle';

  constructor(parts: CheckpointParts) {
    this.parts = parts;
  }

  /** After replay. */
  start(): void {
    const { clock, intervalMs, logger } = this.parts;
    this.state = 'started';
    this.timer = clock.every(intervalMs, () => {
      // A failure of the store ends the process by Stores.onFailure; here it is only said once more.
      this.run().catch((error: unknown) => logger.error({ err: error }, 'The checkpoint failed.'));
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
    const { changes, fleet, ingest, state, log, others } = this.parts;
    const { position } = ingest;
    const devices = changes.drain(fleet.revisions.current);
    if (devices.length === 0 && position === this.written) return;
    for (let at = 0; at < devices.length; at += SLICE) {
      await state.saveDevices(this.rows(devices.slice(at, at + SLICE)));
    }
    for (const save of others) await save();
    await state.setCheckpointPosition(position);
    log.hold('state', position);
    this.written = position;
  }

  private rows(devices: readonly Device[]): DeviceRow[] {
    const { fleet, ingest } = this.parts;
    return devices
      .filter((device) => fleet.find(device.customer, device.id) === device)
      .map((device) => writeDevice(device, ingest.position));
  }
}
