/**
 * Lets the blows of a plan fall, and is the supervisor that starts the broker again. Owns what is broken at the moment, and mends it
 * when its time is over or when the calm begins.
 */
import { KINDS } from './blows.ts';
import type { Box } from './box.ts';

/** A supervisor's pause after an end that nobody asked for; ms. */
const RESTART = 2000;
/** Within so long a start is over; ms. */
const STARTING = 10_000;
const DAMAGED = /(\S+) is damaged at offset (\d+)/;

export class Weather {
  private readonly box: Box;
  /** What is to be mended, each once. */
  private readonly broken = new Set<() => void>();
  /** Effects after which each of the next starts is killed. */
  private killedStarts: number[] = [];
  /** The log's fingerprint when a start on a damaged one began. */
  private before: number | null = null;
  private supervisor: 'idle' | 'restarting' = 'idle';
  private state: 'weather' | 'calm' = 'weather';
  /** Processes that were killed. */
  kills = 0;

  constructor(box: Box) {
    this.box = box;
  }

  start(): void {
    const { world, plan } = this.box;
    for (const blow of plan.weather) {
      const kind = KINDS.find((one) => one.kind === blow.kind);
      if (!kind) throw new Error(`no such blow: ${blow.kind}`);
      const strike = () => {
        if (this.state === 'calm') return;
        world.note('weather', blow.kind, JSON.stringify(blow));
        kind.strike(this.box, blow);
      };
      world.after(blow.at - world.time, strike, null);
    }
  }

  /** No more blows, and everything is mended; a broker runs, or will. */
  end(): void {
    this.state = 'calm';
    this.killedStarts = [];
    for (const mend of [...this.broken]) mend();
    const { machine } = this.box;
    machine.process?.spare();
    machine.disk.failingSyncs = 0;
    machine.disk.inSync = null;
    if (!machine.process) this.restart(0);
  }

  /** The broker ended by itself: its supervisor starts it again, but it should have had a reason. */
  ended(how: string): void {
    const { world, machine, faults } = this.box;
    world.note('supervisor', 'sees', how);
    if (DAMAGED.test(how) && this.hasDamage) this.checkRefusal(how);
    else faults.check('it ends only for a reason', machine.hasFailed, () => how);
    machine.forgetFailures();
    this.restart(RESTART);
  }

  get isOver(): boolean {
    return this.state === 'calm';
  }

  kill(back: number): void {
    this.count();
    this.box.machine.kill();
    this.restart(back);
  }

  losePower(back: number): void {
    this.count();
    this.box.machine.losePower();
    this.restart(back);
  }

  stop(back: number): void {
    void this.box.machine.stop().then(() => this.restart(back));
  }

  /** The next starts are killed, each after so many effects. */
  killStarts(effects: readonly number[]): void {
    this.killedStarts = [...effects];
    this.kill(100);
  }

  /** The process that runs dies just before its effect number `effects` from now. */
  killAfter(effects: number, back: number, how: 'kill' | 'losePower' = 'kill'): void {
    const { machine, world } = this.box;
    const { process } = machine;
    if (!process) return;
    process.onDeath(() => void world.after(0, () => machine.process === process && this[how](back), null));
    process.killAfter(effects);
  }

  /** Undoes a blow after a time, or at the end of the weather. */
  mendAfter(milliseconds: number, mend: () => void): void {
    const once = () => {
      if (this.broken.delete(once)) mend();
    };
    this.broken.add(once);
    this.box.world.after(milliseconds, once, null);
  }

  /** There is one, or was until a moment ago. */
  private get hasDamage(): boolean {
    const { damage, repairedAt } = this.box.machine.disk;
    return damage !== null || this.box.world.time - repairedAt < STARTING;
  }

  /** A start on a damaged log says where, and changes nothing. Then somebody puts back a copy. */
  private checkRefusal(how: string): void {
    const { faults, machine } = this.box;
    const { disk } = machine;
    const { damage } = disk;
    if (!damage) return;
    const [, file, offset] = DAMAGED.exec(how) ?? [];
    const isTold = file === damage.path && Number(offset) <= damage.at;
    faults.check(
      'a damaged log is told by file and offset',
      isTold,
      () => `${damage.path} ${damage.at}: ${how}`,
    );
    const isUnchanged = this.before === disk.fingerprint();
    faults.check('a start on a damaged log changes nothing', isUnchanged, () => how);
    disk.repair();
  }

  private count(): void {
    if (this.box.machine.process) this.kills += 1;
  }

  private restart(pause: number): void {
    if (this.supervisor === 'restarting') return;
    this.supervisor = 'restarting';
    this.box.world.after(
      pause,
      () => {
        this.supervisor = 'idle';
        const { machine } = this.box;
        if (machine.process) return;
        this.before = machine.disk.damage ? machine.disk.fingerprint() : null;
        void machine.start();
        const effects = this.killedStarts.shift();
        if (effects !== undefined) this.killAfter(effects, 50);
      },
      null,
    );
  }
}
