/**
 * One device as the broker knows it; the fleet owns it. Two things must not be confused: `member`, the connection that it
 * has at this moment, and `presence`, what the log says of its connections. What others are told of a device changes when
 * a record is applied, after its commit. `Boots` owns how far each of its last few runs has come (P-3.2, P-4.3): the
 * highest seq accepted, and the highest that is durable.
 */
import type { CloseCode } from '../../../schemas/errors.ts';
import { START } from '../../store/position.ts';
import type { Boot, ValueMap } from '../../wire/frames.ts';
import { MetricTable } from './metrics.ts';

export interface SequenceProgress {
  /** Joined a batch; what is not above it is a repetition. */
  accepted: number;
  /** Committed; what is not above it is acknowledged again at once. */
  durable: number;
}

/** A device that alternates between more runs than this is not one device. */
const KEPT = 8;

export class Boots {
  private readonly byBoot = new Map<Boot, SequenceProgress>();
  /** Of hellos that are accepted and not applied yet; null: of none. */
  private coming: Map<Boot, SequenceProgress> | null = null;

  /** For a hello that has just been accepted; `enter` follows when it is applied. */
  accept(boot: Boot): SequenceProgress {
    const known = this.byBoot.get(boot) ?? this.coming?.get(boot);
    if (known) return known;
    const progress = { accepted: 0, durable: 0 };
    this.coming = (this.coming ?? new Map<Boot, SequenceProgress>()).set(boot, progress);
    return progress;
  }

  /** In log order: this boot becomes the most recent one. `progress`: of the session that said so, if it is one of this broker. */
  enter(boot: Boot, progress = this.byBoot.get(boot) ?? { accepted: 0, durable: 0 }): SequenceProgress {
    if (this.coming?.delete(boot) && this.coming.size === 0) this.coming = null;
    this.byBoot.delete(boot);
    this.byBoot.set(boot, progress);
    if (this.byBoot.size > KEPT) this.byBoot.delete(this.byBoot.keys().next().value as Boot);
    return progress;
  }

  /** Of one that is remembered; its place among the others stays. */
  of(boot: Boot): SequenceProgress | null {
    return this.byBoot.get(boot) ?? null;
  }

  /** Oldest first. */
  entries(): IterableIterator<[Boot, SequenceProgress]> {
    return this.byBoot.entries();
  }
}

/** P-7.5. Unix ms; null: it did not say until when. */
export interface Sleep {
  readonly until: number | null;
  /** From when on it is missed: `until` and a grace. */
  readonly overdueAt: number | null;
}

export interface Presence {
  readonly state: 'online' | 'offline';
  /** The session that was opened or has ended; null if the device has not connected since it is known. */
  readonly session: string | null;
  /** When it came or went; Unix ms, 0: never. */
  readonly since: number;
  /** Numbers the transition. */
  readonly rev: number;
  /** Why it went: the close code's name (`schemas/errors.ts`), or how the socket ended. null while online. */
  readonly reason: string | null;
  /** It said that it goes to sleep (reason `asleep`); null: it did not, or is online. */
  readonly asleep: Sleep | null;
}

/** P-4.5: what the device's own times are worth. */
export type ClockState = 'ok' | 'unset' | 'ahead';

export interface DeviceDescription {
  readonly model: string | null;
  readonly firmware: string | null;
  readonly meta: ValueMap | null;
  /** Bytes of the largest frame that it can receive (P-3.2); null: it did not say. */
  readonly maxFrame: number | null;
}

/** What people say about a device; owned by the registry (device-registry.ts). */
export interface DeviceProfile {
  /** Unix ms. */
  readonly registeredAt: number;
  readonly label: string | null;
  readonly tags: readonly string[];
  readonly notes: string | null;
}

/** The connection of a device, as the hub sees it; implemented by `session`. */
export interface Member {
  readonly session: string;
  readonly keyId: string;
  /** Unix ms of the last sign of life, heartbeats included. */
  readonly heardAt: number;
  /** Whether it has been greeted (P-3.3): commands and desired state may be written to it. */
  readonly ready: boolean;
  /** Of its hello, which may not be applied yet: as in `DeviceDescription`. Absent: it has said none. */
  readonly maxFrame?: number | null | undefined;
  /** Bytes that were written and that the device has not taken yet. */
  readonly bufferedBytes: number;
  /** Sends one frame; calls back when its bytes have left the process, never if they did not. */
  write(frame: Uint8Array, written?: () => void): void;
  /** Ends the connection with a close code of the table; the detail replaces the table's sentence. */
  end(code: CloseCode, detail?: string): void;
}

export class Device {
  readonly customer: string;
  readonly id: string;
  readonly metrics = new MetricTable();
  readonly boots = new Boots();
  /** The revision of the last change that a viewer can see. */
  rev = 0;
  /** As the log tells. */
  presence: Presence = { state: 'offline', session: null, since: 0, rev: 0, reason: null, asleep: null };
  /** What the log says, while everybody is told of an end already that cannot be committed; null: the same. Rows hold this. */
  loggedPresence: Presence | null = null;
  /** The connection of this moment: what is written to the device goes there, and the next one replaces it. */
  member: Member | null = null;
  description: DeviceDescription = { model: null, firmware: null, meta: null, maxFrame: null };
  /** null: nobody has registered it; it is known because it connected. */
  profile: DeviceProfile | null = null;
  clock: ClockState = 'ok';
  /** When the last frame with data arrived, Unix ms; 0: never. Freshness of data, apart from connection. */
  lastDataAt = 0;
  /** The newest arrival, as samples without a time of their own are dated (apply.ts): of all accepted frames, and of all applied. */
  acceptedArrival = 0;
  newestArrival = 0;
  /** Last sign of life as far as stored; see `lastSeenAt`. */
  seenAt = 0;
  /** One bit for each list of changes that it is in (`Changes`, fleet.ts). */
  marks = 0;
  /** The log position behind the last record of which something was applied to it; `START`: none. */
  appliedTo = START;
  /** The position of its row in the store: what was applied before is in it. `START`: none. Owned by restore and checkpoint. */
  savedTo = START;

  constructor(customer: string, id: string) {
    this.customer = customer;
    this.id = id;
  }

  /** `customer/device`. */
  get name(): string {
    return `${this.customer}/${this.id}`;
  }

  /** As anybody is told; whether something can be written to it: `member`. */
  get online(): boolean {
    return this.presence.state === 'online';
  }

  /** Bytes of the largest frame that it can receive, by its newest hello (P-3.2); null: it did not say. */
  get maxFrame(): number | null {
    const { maxFrame } = this.member ?? {};
    return maxFrame === undefined ? this.description.maxFrame : maxFrame;
  }

  /** Whether it is registered and has not connected yet. */
  get neverSeen(): boolean {
    return !this.online && this.lastSeenAt === 0;
  }

  /** Whether a part of its id, its label or one of its tags is `text`, which is in lower case. */
  mentions(text: string): boolean {
    if (this.id.toLowerCase().includes(text)) return true;
    if (!this.profile) return false;
    const { label, tags } = this.profile;
    return [label ?? '', ...tags].some((part) => part.toLowerCase().includes(text));
  }

  /** Unix ms of the last sign of life: a frame or a heartbeat; 0: never. */
  get lastSeenAt(): number {
    // Of one that is connected only what was heard now: what is older may bear a time of a clock that was wrong.
    if (this.online && this.member) return this.member.heardAt;
    return Math.max(this.seenAt, this.lastDataAt);
  }
}
