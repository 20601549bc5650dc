/**
 * Keys that end while devices use them: revoked, expired, rotated with an overlap. Their devices keep calling with them whatever they are told. Judges that a
 * key that has ended lets nobody in again, over any restart, and that its end ends its connections at once. Owns what it has been answered about each key.
 */
import type { KeyRequest, KeyService } from '../../broker/access/key-service.ts';
import type { Box } from './box.ts';
import { Caller } from './caller.ts';
import type { Guest } from './guests.ts';
import type { SeededRandom } from './random.ts';

const CUSTOMER = 'holders';
/** Devices that call with keys of which most have ended. */
const HOLDERS = 6;
/** ms that a connection may outlive its key, and those that the news of it may take. */
const AT_ONCE = 2000;
const ON_THE_WAY = 3000;
/** ms within which a device has called again with a key that has ended. */
const CALLED_AGAIN = 30_000;
/** ms that an answer is waited for. */
const PATIENCE = 60_000;

const RULES = {
  shut: 'a key that has ended lets nobody in',
  ends: 'the end of a key ends its connections with 4003',
} as const;

export class KeyHolders implements Guest {
  private readonly box: Box;
  private readonly random: SeededRandom;
  private readonly holders: Holder[] = [];
  private made = 0;
  private state: 'acting' | 'calm' | 'gone' = 'acting';
  private examined: string[] = [];

  constructor(box: Box) {
    this.box = box;
    this.random = box.world.randomOf(CUSTOMER);
    box.faults.declare(Object.values(RULES));
  }

  begin(): void {
    this.actIn();
  }

  calm(): void {
    this.state = 'calm';
    for (const holder of this.holders.splice(0)) holder.stop();
    this.examined = [...ENDS];
    for (const end of ENDS) this.examine(end);
  }

  waitsFor(): string | null {
    return this.examined.length > 0 ? `keys to be ${this.examined.join(', ')}` : null;
  }

  judge(): void {}

  leave(): void {
    this.state = 'gone';
    for (const holder of this.holders) holder.stop();
  }

  private actIn(): void {
    this.box.world.after(
      this.random.between(10_000, 300_000),
      () => {
        if (this.state !== 'acting') return;
        this.issue(this.random.pick(ENDS), this.random.between(1000, 120_000));
        this.actIn();
      },
      null,
    );
  }

  /** A new key that ends so, `after` ms from now. */
  private issue(how: End, after: number): Holder {
    this.made += 1;
    // The same names again and again: what a name holds does not depend on its keys.
    const holder = new Holder(this.box, `holder-${this.made % 10}`, `10.0.14.${this.made % 200}`, how);
    this.holders.push(holder);
    if (this.holders.length > HOLDERS) this.holders.shift()?.stop();
    holder.begin(after);
    return holder;
  }

  /** Again until no weather was in it. */
  private examine(how: End): void {
    const { world, faults } = this.box;
    const holder = this.issue(how, 5000);
    world.after(
      PATIENCE,
      () => {
        if (this.state !== 'calm') return;
        const outcome = holder.outcome();
        const { words } = holder;
        holder.stop();
        if (outcome === 'unclear') {
          this.examine(how);
          return;
        }
        faults.check(RULES.ends, outcome === 'ended', () => `${how}: ${words}`);
        this.examined = this.examined.filter((one) => one !== how);
      },
      null,
    );
  }
}

const ENDS = ['revoked', 'expired', 'rotated'] as const;
type End = (typeof ENDS)[number];

/** One key and the device that calls with it. */
class Holder {
  private readonly box: Box;
  private readonly device: string;
  private readonly from: string;
  private readonly how: End;
  private caller: Caller | null = null;
  /** Virtual ms when its revocation was answered. */
  private revokedAt: number | null = null;
  /** Unix ms from which it is of no use. */
  private expiresAt = Number.POSITIVE_INFINITY;
  private welcomedAt: number | null = null;
  private toldAt = 0;
  /** When it was closed with 4003. */
  private endedAt: number | null = null;
  /** When a connection ended for another reason. */
  private lostAt: number | null = null;
  private refusedAt: number | null = null;
  private beganAt = 0;
  private state: 'holding' | 'stopped' = 'holding';

  constructor(box: Box, device: string, from: string, how: End) {
    this.box = box;
    this.device = device;
    this.from = from;
    this.how = how;
  }

  get words(): string {
    const { revokedAt, expiresAt, welcomedAt, toldAt, endedAt, refusedAt } = this;
    return JSON.stringify({ revokedAt, expiresAt, welcomedAt, toldAt, endedAt, refusedAt });
  }

  begin(after: number): void {
    const { box, device, how } = this;
    this.beganAt = box.world.time;
    const expiresAt = how === 'expired' ? box.machine.wall.at(box.world.time) + Math.round(after) : null;
    const request: KeyRequest = { customer: CUSTOMER, device, role: 'device', label: null, expiresAt };
    this.ask((keys) => keys.create(request)).then(({ key, row }) => {
      if (this.state === 'stopped') return;
      this.expiresAt = expiresAt ?? Number.POSITIVE_INFINITY;
      this.call(key);
      if (how !== 'expired') box.world.after(after, () => this.end(row.id), null);
    });
  }

  stop(): void {
    this.state = 'stopped';
    this.caller?.stop();
  }

  /** Of one that ended in the calm. */
  outcome(): 'ended' | 'left' | 'unclear' {
    const { revokedAt, expiresAt, welcomedAt, toldAt, endedAt, refusedAt } = this;
    const { machine } = this.box;
    if (welcomedAt === null || (revokedAt === null && expiresAt === Number.POSITIVE_INFINITY))
      return 'unclear';
    const heldUntil = machine.running?.process.heldUntil ?? Number.POSITIVE_INFINITY;
    if (heldUntil > this.beganAt || (endedAt === null && this.lostAt !== null)) return 'unclear';
    // Nobody sets the clock in the calm.
    const due = revokedAt ?? expiresAt - machine.wall.offset;
    // It calls again after 20 s at most; a key that was made late has ended late.
    if (this.box.world.time - due < CALLED_AGAIN) return 'unclear';
    const isInTime = endedAt !== null && endedAt <= due + AT_ONCE + ON_THE_WAY && toldAt <= due + AT_ONCE;
    return isInTime && refusedAt !== null ? 'ended' : 'left';
  }

  private call(key: string): void {
    const parts = { customer: CUSTOMER, device: this.device, key, from: this.from, every: 500, back: 20_000 };
    this.caller = new Caller(this.box, parts, {
      welcomed: (sentAt) => this.welcomed(sentAt),
      told: (sentAt) => {
        this.toldAt = sentAt;
      },
      ended: (code, status) => this.ended(code, status),
    });
    this.caller.start();
  }

  private welcomed(sentAt: number): void {
    this.welcomedAt = sentAt;
    const { wall } = this.box.machine;
    const isRevoked = this.revokedAt !== null && sentAt > this.revokedAt;
    const isExpired = Math.min(wall.at(sentAt), wall.at(sentAt - 1)) > this.expiresAt;
    this.box.faults.check(
      RULES.shut,
      !isRevoked && !isExpired,
      () => `${this.device}, ${this.how}: ${this.words}`,
    );
  }

  private ended(code: number, status: number | null): void {
    if (code === 4003) this.endedAt = this.box.world.time;
    else if (status === null) this.lostAt = this.box.world.time;
    if (status === 401 || status === 429) this.refusedAt = this.box.world.time;
  }

  /** Until it is answered; a second try of a revocation finds that it is revoked. */
  private end(id: string): void {
    const { world, machine } = this.box;
    if (this.state === 'stopped') return;
    const askedAt = world.time;
    if (this.how === 'revoked') {
      this.ask((keys) => keys.revoke(id)).then(() => {
        this.revokedAt = world.time;
      });
      return;
    }
    const overlap = 3000;
    // One that is interrupted may have made its new key; the old one holds then.
    this.askOnce((keys) => keys.rotate(id, overlap))?.then(
      () => {
        this.expiresAt = machine.wall.latest(askedAt, world.time) + overlap;
      },
      () => {},
    );
  }

  private askOnce<Result>(work: (keys: KeyService) => Promise<Result>): Promise<Result> | null {
    return this.box.machine.ask((broker) => work(broker.parts.keys));
  }

  /** Asks again until somebody answers. */
  private ask<Result>(work: (keys: KeyService) => Promise<Result>): Promise<Result> {
    return new Promise((resolve) => {
      let state: 'asking' | 'answered' = 'asking';
      const attempt = () => {
        if (state === 'answered' || this.state === 'stopped') return;
        this.askOnce(work)?.then(
          (result) => {
            state = 'answered';
            resolve(result);
          },
          () => {},
        );
        this.box.world.after(PATIENCE / 4, attempt, null);
      };
      attempt();
    });
  }
}
