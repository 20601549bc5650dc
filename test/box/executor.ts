/**
 * What a simulated device does with commands and desired documents (P-5, P-6): carries a command out once, says what came of it, keeps its
 * results until an ack covers them, confirms documents, or does some of that badly, each as its character says. Owns what it must remember, which
 * survives its restarts.
 */
import { encodeReported, encodeResult } from '../../broker/wire/encode.ts';
import type { CommandFrame, DesiredFrame, ErrorFrame, Value, ValueMap } from '../../broker/wire/frames.ts';
import type { SimulatedDevice } from './device.ts';
import type { AllEars, Received } from './ears.ts';
import type { SeededRandom } from './random.ts';
import type { World } from './world.ts';

/** P-5.3. */
export const RESULT = { accepted: 1, progress: 2, done: 3, failed: 4, rejected: 5 } as const;

/** Chosen by its own chance. */
interface Manners {
  readonly fails: number;
  readonly rejects: number;
  /** Share of frames that it does not answer at all. */
  readonly deaf: number;
  /** Says things in an order that makes no sense, and of commands that it never had. */
  readonly confused: number;
  /** ms that a command takes at most. */
  readonly slow: number;
  /** Keeps no result until it is covered: what was lost with a connection is lost. */
  readonly isForgetful: boolean;
  /** Share of documents that it confirms. */
  readonly confirms: number;
  readonly maxFrame: number | null;
}

interface Work {
  state: 'running' | 'ended';
  status: number;
  data: Value;
}

interface Kept {
  readonly frame: Uint8Array;
  readonly status: number;
  /** The highest seq that was sent before it. */
  after: number;
}

export interface ExecutorParts {
  readonly world: World;
  readonly ears: AllEars;
  readonly device: SimulatedDevice;
  readonly send: (bytes: Uint8Array) => void;
  /** The highest seq of this boot so far. */
  readonly lastSeq: () => number;
}

export class Executor {
  readonly manners: Manners;
  /** The newest version that came with this connection; 0: none. */
  version = 0;
  private readonly parts: ExecutorParts;
  private readonly random: SeededRandom;
  /** By command id; survives a restart. */
  private readonly works = new Map<string, Work>();
  /** Results that no ack covers yet, by command id. */
  private readonly kept = new Map<string, Kept>();
  /** Work of before a restart is over. */
  private run = 0;
  private unknown = 0;

  constructor(parts: ExecutorParts) {
    this.parts = parts;
    this.random = parts.world.randomOf(`${parts.device.name}/executor`);
    const { random } = this;
    this.manners = {
      fails: random.pick([0, 0.1, 0.5]),
      rejects: random.pick([0, 0, 0.2]),
      deaf: random.pick([0, 0, 0.3, 0.9]),
      confused: random.pick([0, 0, 0, 0.3]),
      slow: random.pick([50, 20_000, 120_000]),
      isForgetful: random.chance(0.25),
      confirms: random.pick([1, 1, 0.7]),
      maxFrame: random.pick([null, null, null, 256, 2000]),
    };
  }

  /** P-5: what it was doing when its power went it will not do again. */
  restart(): void {
    this.run += 1;
    for (const [id, work] of this.works) {
      if (work.state === 'running') this.end(id, work, RESULT.failed, { reason: 'restarted' });
    }
  }

  /** Its hello was answered: what is not covered goes first. */
  greeted(): void {
    const { parts } = this;
    this.version = 0;
    for (const [id, kept] of this.kept) {
      kept.after = parts.lastSeq();
      parts.send(kept.frame);
      parts.ears.answered(parts.device, id, kept.status, null);
    }
  }

  acknowledged(seq: number): void {
    const { ears, device } = this.parts;
    for (const [id, { after, status }] of this.kept) {
      if (after >= seq) continue;
      this.kept.delete(id);
      ears.covered(device, id, status);
    }
  }

  refused({ code, commandId }: ErrorFrame): void {
    if (code === 'unknown-command' && commandId !== null) this.kept.delete(commandId);
  }

  handleCommand(command: CommandFrame, received: Received): void {
    const { parts, random, manners } = this;
    const { id } = command;
    parts.ears.commanded(parts.device, command, received);
    if (random.chance(manners.deaf)) return;
    const known = this.works.get(id);
    if (known) {
      if (known.state === 'ended') this.say(id, known.status, known.data);
      else this.say(id, RESULT.accepted, null);
      return;
    }
    const work: Work = { state: 'running', status: RESULT.accepted, data: null };
    this.works.set(id, work);
    if (random.chance(manners.rejects)) this.end(id, work, RESULT.rejected, { reason: 'no' });
    else this.begin(id, work, command);
    if (random.chance(manners.confused)) this.babble();
  }

  handleDesired({ version, values }: DesiredFrame, received: Received): void {
    const { parts, random, manners } = this;
    this.version = version;
    parts.ears.desired(parts.device, version, values, received);
    if (!random.chance(manners.confirms)) return;
    const pause = random.pick([0, 0, 500, 20_000]);
    const { run } = this;
    const confirm = () => {
      if (run === this.run && version === this.version) this.report(version, values);
    };
    if (pause === 0) confirm();
    else parts.world.after(pause, confirm, null);
  }

  private report(version: number, values: ValueMap): void {
    // It may raise what was asked for, or have lost it all.
    const isOwn = this.random.chance(0.1);
    this.parts.send(encodeReported(version, isOwn ? { ...values, own: this.random.whole(0, 9) } : values));
  }

  private begin(id: string, work: Work, { name }: CommandFrame): void {
    const { random, manners, parts } = this;
    const takes = random.chance(0.4) ? 0 : random.between(1, manners.slow);
    // One that is done at once need not say that it began.
    if (takes > 0 || random.chance(0.5)) this.say(id, RESULT.accepted, null);
    const steps = name === 'progress' ? random.whole(1, 3) : 0;
    for (let step = 1; step <= steps; step += 1) {
      this.later((takes * step) / (steps + 1), () => {
        if (work.state === 'running') this.say(id, RESULT.progress, { percent: step });
      });
    }
    const status = random.chance(manners.fails) ? RESULT.failed : RESULT.done;
    const end = () => this.end(id, work, status, { by: parts.device.name });
    this.later(takes, end);
  }

  private later(milliseconds: number, work: () => void): void {
    const { run } = this;
    if (milliseconds === 0) work();
    else this.parts.world.after(milliseconds, () => run === this.run && work(), null);
  }

  private end(id: string, work: Work, status: number, data: Value): void {
    if (work.state === 'ended') return;
    Object.assign(work, { state: 'ended', status, data });
    this.say(id, status, data);
    if (!this.random.chance(this.manners.confused)) return;
    // What comes after the end is late, and changes nothing.
    this.say(id, this.random.pick([RESULT.accepted, RESULT.progress, RESULT.done, RESULT.failed]), 'again');
    this.say(id, status, data);
  }

  /** Of commands that are another's, or nobody's. */
  private babble(): void {
    this.unknown += 1;
    const id = this.random.pick([`nobody-${this.unknown}`, `c-${this.random.whole(1, 60)}`]);
    if (this.works.has(id)) return;
    const status = this.random.whole(1, 5);
    this.parts.ears.answered(this.parts.device, id, status, 'babble');
    this.parts.send(encodeResult(id, status, 'babble'));
  }

  private say(id: string, status: number, data: Value): void {
    const { parts, manners } = this;
    const frame = data === null ? encodeResult(id, status) : encodeResult(id, status, data);
    if (!manners.isForgetful) {
      // A newer one takes the place of an older one, and must stay the last.
      this.kept.delete(id);
      this.kept.set(id, { frame, status, after: parts.lastSeq() });
    }
    parts.ears.answered(parts.device, id, status, data);
    parts.send(frame);
  }
}
