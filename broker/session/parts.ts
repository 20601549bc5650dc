/** Declares what every session is handed: its connection, and the parts of the broker that it works on. */
import type { Config } from '../../schemas/config.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Counters } from '../hub/counters.ts';
import type { Device, Member } from '../hub/fleet/device.ts';
import type { Fleet } from '../hub/fleet/fleet.ts';
import type { Ingest } from '../hub/telemetry/ingest.ts';
import type { Inlet } from './intake.ts';
import type { ReadScheduler } from './read-scheduler.ts';

/** What a session needs of its connection; `edge` implements it with ws, tests with arrays. */
export interface Transport extends Inlet {
  /** One binary message. */
  send(bytes: Uint8Array): void;
  /** The same; calls back when its bytes have left the process, never if they did not. */
  write(bytes: Uint8Array, written: () => void): void;
  ping(): void;
  /** Closes with a code of the table; ends the socket by force if the peer does not answer in time. */
  close(code: number, reason: string): void;
  /** Bytes that wait to be written. */
  readonly bufferedBytes: number;
}

export interface SessionParts {
  readonly fleet: Fleet;
  readonly ingest: Ingest;
  /** Whether the broker has, or had, a command of this id for the device. */
  readonly commands: { knows(device: Device, id: string): boolean | Promise<boolean> };
  /** The newest version of the device's desired document that was ever given out; 0: none was. */
  readonly desired: { latestVersion(device: Device): number };
  /** The device can be written to from now on (P-3.3). */
  readonly onReady: (device: Device, member: Member) => void;
  readonly reads: ReadScheduler;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: Pick<Config, 'devices' | 'limits'>;
  /** The largest frame, bytes (P-2.2). */
  readonly frameBytes: number;
}
