/**
 * `npm run bench -- storm`, `-- flood` and `-- costly`: the broker with a small heap and its default limits, while many
 * devices send all they may at once, or a few send frames that cost far more than their bytes. Quiet and attack take turns
 * in one run. A device of another customer and an asker of `/livez` must hardly notice; every frame of a storm is
 * acknowledged, and memory is bounded.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LOAD_CORE, pause, SERVER_CORE } from './measure.ts';
import type { ServerMark, ServerReady, ServerRequest } from './messages.ts';
import { Peer } from './peer.ts';
import { Liveness, QuietDevice } from './probe.ts';
import type { StormMark, StormRequest } from './storm-messages.ts';

export interface Attack {
  readonly devices: number;
  /** Frames that each device sends at once; or frames a second of 4,080 empty byte strings each. */
  readonly frames: number;
  readonly kind: 'storm' | 'costly';
  /** Of the broker, MiB; 0: Node's own choice. */
  readonly heap: number;
  readonly rounds: number;
  /** How long a storm may take, and a costly attack does, ms. */
  readonly patience: number;
}

export const ATTACKS: Readonly<Record<string, Attack>> = {
  storm: { kind: 'storm', devices: 10_000, frames: 512, heap: 512, rounds: 2, patience: 120_000 },
  flood: { kind: 'storm', devices: 2000, frames: 2048, heap: 512, rounds: 2, patience: 120_000 },
  costly: { kind: 'costly', devices: 3, frames: 250, heap: 512, rounds: 3, patience: 8000 },
};

const QUIET = 4000;
/** Between an attack and the next quiet: what was sent before it ended is dealt with. */
const SETTLE = 2000;
const MIB = 1024 * 1024;
/** Another customer's ack may take this many times its quiet p99. */
const FAIR = 3;
/** `/livez` answers within this, ms. */
const LIVE = 1000;
/** Resident memory with a heap of 512 MiB, MiB: half of it is sockets and buffers. */
const RESIDENT = 700;
/** What may stay after the attacks, MiB. */
const LEFT = 48;

interface Phase {
  /** Milliseconds. */
  readonly ack: number;
  readonly ackAtOnce: number;
  readonly live: number;
}

interface Gate {
  readonly text: string;
  readonly value: number;
  readonly most: number;
}

class Run {
  private readonly attack: Attack;
  private readonly server: Peer<ServerRequest>;
  private readonly load = new Peer<StormRequest>('storm-load.ts', LOAD_CORE);
  private merged!: QuietDevice;
  private atOnce!: QuietDevice;
  private liveness!: Liveness;
  private mostResident = 0;
  /** Of the event loop in the attack, ms. */
  private longestTurn = 0;

  constructor(attack: Attack, data: string) {
    this.attack = attack;
    const heap = attack.heap === 0 ? [] : [`--max-old-space-size=${attack.heap}`];
    const options = { flags: ['--expose-gc', ...heap], args: [data, 'default'] };
    this.server = new Peer('broker-server.ts', SERVER_CORE, options);
  }

  async measure(): Promise<Gate[]> {
    const { devices, rounds } = this.attack;
    const { port, deviceKey, quietKey } = await this.server.ask<ServerReady>({ ask: 'ready' });
    this.merged = new QuietDevice({ port, key: quietKey, device: 'merged', ackWithin: undefined });
    this.atOnce = new QuietDevice({ port, key: quietKey, device: 'at-once', ackWithin: 0 });
    this.liveness = new Liveness(port);
    await this.load.ask({ ask: 'connect', port, key: deviceKey, devices });
    await Promise.all([this.merged.start(), this.atOnce.start()]);
    this.liveness.start();
    await pause(1000);
    const quiet: Phase[] = [];
    const attacked: Phase[] = [];
    const left: number[] = [];
    let unacknowledged = 0;
    for (let round = 1; round <= rounds; round += 1) {
      this.endPhase();
      await pause(QUIET);
      quiet.push(this.report(`quiet ${round}`, this.endPhase()));
      const mark = await this.storm();
      const missing = devices - mark.complete;
      unacknowledged += this.attack.kind === 'storm' ? missing : mark.lost;
      attacked.push(this.report(`attack ${round}`, this.endPhase(), mark));
      await pause(SETTLE);
      left.push(await this.used());
    }
    return [
      {
        text: "another customer's ack p99, times its quiet value",
        value: ratio(quiet, attacked, 'ack'),
        most: FAIR,
      },
      {
        text: 'the same, acknowledged at once (ackWithin 0)',
        value: ratio(quiet, attacked, 'ackAtOnce'),
        most: Number.POSITIVE_INFINITY,
      },
      {
        text: 'longest answer of /livez in an attack, ms',
        value: Math.max(...attacked.map(({ live }) => live)),
        most: LIVE,
      },
      { text: 'devices lost, or with frames not acknowledged', value: unacknowledged, most: 0 },
      { text: 'quiet devices lost', value: Number(this.merged.isLost) + Number(this.atOnce.isLost), most: 0 },
      { text: 'resident memory at most, MiB', value: this.mostResident, most: RESIDENT },
      {
        text: 'memory in use after the last attack, MiB more than after the first',
        value: (left.at(-1) as number) - (left[0] as number),
        most: LEFT,
      },
    ];
  }

  async end(): Promise<void> {
    this.merged?.stop();
    this.atOnce?.stop();
    this.liveness?.stop();
    this.load.kill();
    this.server.kill();
    await Promise.all([this.load.ended(), this.server.ended()]);
  }

  /** One attack, until every frame is acknowledged, the time is up, or the broker has ended. */
  private async storm(): Promise<StormMark> {
    const { kind, frames, patience } = this.attack;
    await this.server.ask<ServerMark>({ ask: 'mark', memory: 'as-is' });
    if (kind === 'storm') await this.load.ask({ ask: 'storm', frames });
    else await this.load.ask({ ask: 'costly', framesPerSecond: frames });
    const until = performance.now() + patience;
    let mark: StormMark;
    do {
      await pause(100);
      this.readResident();
      mark = await this.load.ask<StormMark>({ ask: 'mark' });
    } while (performance.now() < until && mark.completeAt === null && !this.server.hasEnded);
    if (kind === 'costly') await this.load.ask({ ask: 'stop' });
    if (this.server.hasEnded) throw new Error(`the broker ended in the attack: ${JSON.stringify(mark)}`);
    this.longestTurn = (await this.server.ask<ServerMark>({ ask: 'mark', memory: 'as-is' })).longestTurn;
    return mark;
  }

  private endPhase(): Phase {
    this.readResident();
    // What still waits counts with how long it has waited so far.
    const worst = (device: QuietDevice) => Math.max(device.latencies.collect().p99, device.waiting);
    const live = Math.max(this.liveness.latencies.collect().max, this.liveness.waiting);
    return { ack: worst(this.merged), ackAtOnce: worst(this.atOnce), live };
  }

  private report(what: string, phase: Phase, mark?: StormMark): Phase {
    const { ack, ackAtOnce, live } = phase;
    const ms = (time: number | null) => (time === null ? 'never' : `${time.toFixed(1)} ms`);
    const resident = this.readResident();
    let line = `${what}: ack p99 ${ms(ack)}, at once ${ms(ackAtOnce)}, /livez max ${ms(live)}, ${resident.toFixed(0)} MiB resident`;
    if (mark) {
      line += `; attackers: first ack ${ms(mark.firstAck)}, all ${ms(mark.completeAt)}, ${mark.acknowledged} of ${mark.sent} frames`;
      line += `, ${mark.lost} lost; longest turn ${ms(this.longestTurn)}`;
    }
    console.log(line);
    return phase;
  }

  private readResident(): number {
    const status = readFileSync(`/proc/${this.server.pid}/status`, 'utf8');
    const field = (name: string) =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) / 1024;
    this.mostResident = Math.max(this.mostResident, field('VmHWM'));
    return field('VmRSS');
  }

  private async used(): Promise<number> {
    const { memory } = await this.server.ask<ServerMark>({ ask: 'mark', memory: 'collected' });
    return (memory.heapUsed + memory.external) / MIB;
  }
}

function ratio(quiet: readonly Phase[], attacked: readonly Phase[], what: 'ack' | 'ackAtOnce'): number {
  return median(attacked.map((phase) => phase[what])) / median(quiet.map((phase) => phase[what]));
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[(values.length - 1) >> 1] as number;
}

/** Prints what was measured and whether it is what is promised. */
export async function withstand(name: string, attack: Attack): Promise<boolean> {
  const data = mkdtempSync(join(process.env.BENCH_FOLDER ?? tmpdir(), 'signalbox-storm-'));
  const run = new Run(attack, data);
  console.log(`\n${name}: ${JSON.stringify(attack)}`);
  try {
    const gates = await run.measure();
    for (const { text, value, most } of gates) {
      const verdict =
        most === Number.POSITIVE_INFINITY ? '' : `  ${value <= most ? 'kept' : 'MISSED'}: at most ${most}`;
      console.log(`${text.padEnd(68)}${value.toFixed(1).padStart(9)}${verdict}`);
    }
    return gates.every(({ value, most }) => value <= most);
  } finally {
    await run.end();
    rmSync(data, { recursive: true, force: true });
  }
}
