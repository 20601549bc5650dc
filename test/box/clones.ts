/**
 * Clones: two devices with one name and one key, each with a boot of its own, that take over from each other (P-1.6). Judges that the older connection is told
 * nothing but its end once the newer is welcomed, and that neither loses what was acknowledged to it.
 */
import type { Box } from './box.ts';
import { Caller } from './caller.ts';
import type { Guest } from './guests.ts';

const CUSTOMER = 'clones';
const PAIRS = 2;
/** How a connection of a clone may end. */
const CODES: ReadonlySet<number> = new Set([1001, 1006, 1013, 4001, 4008]);

const RULES = {
  silent: 'a replaced connection is told nothing more',
  code: 'a replaced connection ends with 4001',
} as const;

export class Clones implements Guest {
  private readonly box: Box;
  private pairs: Pair[] = [];

  constructor(box: Box) {
    this.box = box;
    box.faults.declare(Object.values(RULES));
  }

  async begin(): Promise<void> {
    for (let index = 0; index < PAIRS; index += 1) {
      const device = `twin-${index}`;
      this.pairs.push(new Pair(this.box, device, await this.box.keyOf(CUSTOMER, device)));
    }
    for (const pair of this.pairs) pair.start();
  }

  calm(): void {
    for (const pair of this.pairs) pair.calm();
  }

  waitsFor(): string | null {
    return this.pairs.map((pair) => pair.waitsFor()).find((words) => words !== null) ?? null;
  }

  judge(): void {}

  leave(): void {
    for (const pair of this.pairs) pair.stop();
  }
}

interface Told {
  welcomedAt: number;
  lastAt: number;
}

class Pair {
  private readonly box: Box;
  private readonly device: string;
  private readonly callers: readonly Caller[];
  private readonly told: readonly Told[] = [
    { welcomedAt: -1, lastAt: -1 },
    { welcomedAt: -1, lastAt: -1 },
  ];
  private state: 'weather' | 'calm' | 'replaced' = 'weather';

  constructor(box: Box, device: string, key: string) {
    this.box = box;
    this.device = device;
    this.callers = [0, 1].map((index) => {
      const parts = { customer: CUSTOMER, device, key, from: `10.0.13.${index}`, every: 3000, back: 60_000 };
      return new Caller(box, parts, {
        welcomed: (sentAt) => this.welcomed(index, sentAt),
        told: (sentAt) => this.heard(index, sentAt),
        ended: (code) => this.ended(index, code),
      });
    });
  }

  start(): void {
    for (const caller of this.callers) caller.start();
  }

  stop(): void {
    for (const caller of this.callers) caller.stop();
  }

  calm(): void {
    this.state = 'calm';
    for (const caller of this.callers) caller.calm();
  }

  /** One of them is told that it is replaced; then the other alone has its place. */
  waitsFor(): string | null {
    if (this.state !== 'replaced') return `a clone of ${this.device} to be replaced`;
    const isAtRest = this.callers.some((caller) => caller.isConnected && caller.unacknowledged === 0);
    return isAtRest ? null : `a clone of ${this.device} to be connected`;
  }

  private welcomed(index: number, sentAt: number): void {
    const told = this.told[index] as Told;
    told.welcomedAt = sentAt;
    told.lastAt = sentAt;
    this.compare();
  }

  private heard(index: number, sentAt: number): void {
    (this.told[index] as Told).lastAt = sentAt;
    this.compare();
  }

  private compare(): void {
    const [older, newer] = [...this.told].sort((one, other) => one.welcomedAt - other.welcomedAt) as [
      Told,
      Told,
    ];
    // After a process was held many things happen in one moment, and which was first cannot be seen.
    if (older.welcomedAt === newer.welcomedAt) return;
    this.box.faults.check(RULES.silent, older.lastAt <= newer.welcomedAt, () => {
      return `${this.device}: the newer was welcomed at ${newer.welcomedAt}, the older was told something at ${older.lastAt}`;
    });
  }

  private ended(index: number, code: number): void {
    this.box.faults.check(
      RULES.code,
      CODES.has(code),
      () => `a clone of ${this.device} was closed with ${code}`,
    );
    if (code !== 4001 || this.state !== 'calm') return;
    this.state = 'replaced';
    this.callers[index]?.stop();
  }
}
