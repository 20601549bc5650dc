/**
 * Strangers: broken and hostile devices that know a fleet key, and others that know none. In the weather each does something of the tables
 * (`attacks.ts`, `requests.ts`) now and then; in the calm each case is tried once more, and must end as PROTOCOL.md says, while a witness that behaves is served
 * as before. Owns their connections.
 */
import { parseBrokerFrame } from '../../broker/wire/broker-frames.ts';
import { encodeHello, encodeTelemetry } from '../../broker/wire/encode.ts';
import { FRAME } from '../../broker/wire/frames.ts';
import { ATTACKS, type Attack } from './attacks.ts';
import type { Box } from './box.ts';
import type { DurableEntry } from './durable.ts';
import type { Guest } from './guests.ts';
import type { SeededRandom } from './random.ts';
import { type Keys, REQUESTS, type RequestCase } from './requests.ts';
import { ClientSocket } from './websocket.ts';

export const STRANGERS = 'strangers';
const ADDRESS = 'broker';
const COUNT = 3;
const WITNESS = 'witness';
/** Sessions whose frames are remembered. */
const REMEMBERED = 1000;
/** With which any connection may end: lost, or sent away. */
const WEATHER_CODES: ReadonlySet<number> = new Set([1001, 1006, 1013]);
/** So may any request: too many, or the broker is not there. */
const WEATHER_STATUSES: ReadonlySet<number> = new Set([429, 503]);
/** Tries of one case in the calm, whose beginning may still have some weather in it. */
const TRIES = 25;
/** ms. */
const SERVED = 1000;

const RULES = {
  closes: 'a connection ends as the protocol says',
  errors: 'a frame is refused as the protocol says',
  acknowledged: 'what a stranger was told to be durable is',
  requests: 'a request is refused as the protocol says',
  served: 'others are served while strangers attack',
} as const;

type Ending = { readonly code: number | null; readonly status: number | null };

export class Strangers implements Guest {
  private readonly box: Box;
  private readonly random: SeededRandom;
  private readonly stored = new Map<string, StoredSession>();
  private keys: Keys = { fleet: '', viewer: '', own: '' };
  private state: 'acting' | 'calm' | 'gone' = 'acting';
  private readonly open = new Set<{ cut(): void }>();
  private names = 0;
  private trials = 0;
  private examined = 0;
  private readonly cases = ATTACKS.length + REQUESTS.length;
  private witness: Witness | null = null;

  constructor(box: Box) {
    this.box = box;
    this.random = box.world.randomOf(STRANGERS);
    box.faults.declare(Object.values(RULES));
    box.ears.add({ durable: (entry) => this.hear(entry) });
  }

  async begin(): Promise<void> {
    const { box } = this;
    this.keys = {
      fleet: await box.issue({ customer: STRANGERS, device: null, role: 'device' }),
      viewer: await box.issue({ customer: STRANGERS, device: null, role: 'viewer' }),
      own: await box.issue({ customer: STRANGERS, device: 'own', role: 'device' }),
    };
    for (let stranger = 0; stranger < COUNT; stranger += 1) this.actSoon(stranger);
  }

  calm(): void {
    this.state = 'calm';
    this.box.world.after(5000, () => this.examine(), null);
  }

  waitsFor(): string | null {
    const left = this.cases - this.examined;
    return left > 0 ? `${left} cases of strangers` : null;
  }

  judge(): void {}

  leave(): void {
    this.state = 'gone';
    this.witness?.stop();
    for (const connection of [...this.open]) connection.cut();
  }

  private hear(entry: DurableEntry): void {
    const { source } = entry;
    if (source.customer !== STRANGERS || entry.kind !== 'frame') return;
    if (source.device === WITNESS || entry.frame.kind !== FRAME.telemetry) return;
    const session = this.storedOf(source.session);
    if (entry.frame.seq === null) session.unnumbered += 1;
    else session.numbers.add(entry.frame.seq);
  }

  /** Also of one that has not read yet how it is called. */
  private storedOf(session: string): StoredSession {
    const known = this.stored.get(session) ?? { numbers: new Set<number>(), unnumbered: 0 };
    this.stored.set(session, known);
    const [oldest] = this.stored.keys();
    if (this.stored.size > REMEMBERED && oldest !== undefined) this.stored.delete(oldest);
    return known;
  }

  private actSoon(stranger: number): void {
    const { world } = this.box;
    world.after(
      this.random.between(5000, this.random.pick([60_000, 600_000])),
      () => {
        if (this.state !== 'acting') return;
        const address = `10.0.9.${stranger}`;
        const again = () => this.actSoon(stranger);
        if (this.random.chance(0.7)) this.attack(this.random.pick(ATTACKS), address, this.newName(), again);
        else this.request(this.random.pick(REQUESTS), address, again);
      },
      null,
    );
  }

  /** A few names at first, then the old ones again. */
  private newName(): string {
    this.names += 1;
    return `wild-${this.names % 30}`;
  }

  /** Each case once, all at the same time. */
  private examine(): void {
    this.witness = new Witness(this.box, this.keys.fleet, this.random);
    ATTACKS.forEach((attack, index) => {
      this.retry((done) => this.attack(attack, `10.0.10.${index}`, `exam-${index}`, done));
    });
    REQUESTS.forEach((request, index) => {
      this.retry((done) => this.request(request, `10.0.11.${index}`, done));
    });
  }

  /** Until it was no weather that ended it. */
  private retry(run: (done: (wasJudged: boolean, words: string) => void) => void): void {
    let tries = 0;
    const attempt = () => {
      tries += 1;
      run((wasJudged, words) => {
        if (!wasJudged && tries < TRIES && this.state === 'calm') {
          this.box.world.after(20_000, attempt, null);
          return;
        }
        this.box.faults.check(RULES.closes, wasJudged, () => `${words}, ${tries} times, in the calm`);
        this.examined += 1;
        if (this.examined === this.cases) this.witness?.stop();
      });
    };
    attempt();
  }

  private attack(
    attack: Attack,
    from: string,
    device: string,
    done: (wasJudged: boolean, words: string) => void,
  ): void {
    const trial = new Trial(this.box, attack, (session) => this.storedOf(session));
    this.open.add(trial);
    this.trials += 1;
    // No two have the same boot.
    const random = this.box.world.randomOf(`${STRANGERS}/${this.trials}`);
    trial.run({ from, device, key: this.keys.fleet, random }, (ending) => {
      this.open.delete(trial);
      if (trial.session !== null) this.stored.delete(trial.session);
      const wasJudged = this.state !== 'gone' && trial.judge(ending);
      done(wasJudged, `${attack.name}: ${wordsOf(ending)}, ${trial.said}`);
    });
  }

  private request(
    request: RequestCase,
    from: string,
    done: (wasJudged: boolean, words: string) => void,
  ): void {
    const { world, network, faults } = this.box;
    let answer = '';
    let state: 'open' | 'over' = 'open';
    const end = network.connect(ADDRESS, from, {
      data: (bytes) => {
        answer += Buffer.from(bytes).toString('latin1');
      },
      closed: () => over(true),
    });
    const connection = { cut: () => end.cut() };
    this.open.add(connection);
    const over = (isClosed: boolean) => {
      if (state === 'over') return;
      state = 'over';
      this.open.delete(connection);
      end.cut();
      const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => Number(status));
      const code = /"code":"([a-z-]+)"/.exec(answer)?.[1] ?? null;
      const words = `${request.name}: ${statuses.join(', ') || 'no answer'} ${code ?? ''}, ${isClosed ? 'closed' : 'left open'}`;
      const isRight = isClosed && String(statuses) === String(request.statuses) && code === request.code;
      const isLost = statuses.length < request.statuses.length;
      const isWeather = isLost || !isClosed || statuses.some((status) => WEATHER_STATUSES.has(status));
      if (isRight || (!isWeather && this.state !== 'gone'))
        faults.check(RULES.requests, isRight, () => words);
      done(isRight, words);
    };
    const text = request.text(this.keys);
    if (text !== '') end.write(Buffer.from(text));
    world.after(request.within, () => over(false), null);
  }
}

interface StoredSession {
  readonly numbers: Set<number>;
  unnumbered: number;
}

interface TrialOptions {
  readonly from: string;
  readonly device: string;
  readonly key: string;
  readonly random: SeededRandom;
}

/** One attack on one connection. Owns what the broker said to it. */
class Trial {
  session: string | null = null;
  private readonly box: Box;
  private readonly attack: Attack;
  private readonly remember: (session: string) => StoredSession;
  private stored: StoredSession | null = null;
  private readonly errors: string[] = [];
  private acknowledged = 0;
  private socket: ClientSocket | null = null;
  private state: 'running' | 'over' = 'running';

  constructor(box: Box, attack: Attack, remember: (session: string) => StoredSession) {
    this.box = box;
    this.attack = attack;
    this.remember = remember;
  }

  get said(): string {
    return `ack ${this.acknowledged}, errors ${this.errors.join(' ') || 'none'}`;
  }

  run({ from, device, key, random }: TrialOptions, done: (ending: Ending) => void): void {
    const { attack } = this;
    const { world, network } = this.box;
    const over = (ending: Ending) => {
      if (this.state === 'over') return;
      this.state = 'over';
      done(ending);
      this.socket?.cut();
    };
    const later = (milliseconds: number, run: () => void) =>
      void world.after(milliseconds, () => this.state === 'running' && run(), null);
    const path = `/v1/device?device=${device}`;
    const answersPings = attack.answersPings ?? true;
    const socket: ClientSocket = new ClientSocket(
      network,
      random,
      { address: ADDRESS, from, path, key, answersPings },
      {
        open: () => world.after(0, () => attack.begin({ socket, random, later }), null),
        refused: (status) => over({ code: null, status }),
        message: (bytes) => this.receive(bytes),
        ping: () => {},
        closed: (code) => over({ code, status: null }),
      },
    );
    this.socket = socket;
    world.after(attack.within, () => over({ code: null, status: null }), null);
  }

  cut(): void {
    this.socket?.cut();
  }

  /** Whether it came to the end that the protocol gives it; what weather made of it is not judged. */
  judge({ code, status }: Ending): boolean {
    const { attack, errors, acknowledged } = this;
    const { faults } = this.box;
    if (status !== null || (code !== null && WEATHER_CODES.has(code))) return false;
    // It was left open: whether it was answered depends on the weather.
    const isAnswered = acknowledged >= (attack.acknowledges ?? 0);
    const isRefused = errors.length >= (attack.errors?.length ?? 0);
    if (code === null && (attack.closes !== null || !isAnswered || !isRefused)) return false;
    faults.check(RULES.closes, code === attack.closes, () => {
      return `${attack.name} was closed with ${code}, not ${attack.closes ?? 'at all'}`;
    });
    const { errors: expected } = attack;
    const sorted = [...errors].sort();
    const isRight = expected === null || String(sorted) === String([...expected].sort());
    faults.check(
      RULES.errors,
      isRight,
      () => `${attack.name} was answered with ${errors.join(', ') || 'no error'}`,
    );
    return true;
  }

  private receive(bytes: Uint8Array): void {
    const frame = parseBrokerFrame(bytes);
    if (frame?.kind === FRAME.welcome) {
      this.session = frame.session;
      this.stored = this.remember(frame.session);
    } else if (frame?.kind === FRAME.error) this.errors.push(frame.code);
    else if (frame?.kind === FRAME.ack) this.handleAck(frame.seq);
  }

  private handleAck(seq: number): void {
    this.acknowledged = seq;
    if (seq === 0 || !this.stored) return;
    const { neverStored = [], unnumbered = 0, name } = this.attack;
    const { numbers, unnumbered: held } = this.stored;
    const isDurable = numbers.has(seq) && held >= unnumbered;
    const isRepeated = neverStored.some((one) => numbers.has(one));
    this.box.faults.check(RULES.acknowledged, isDurable && !isRepeated, () => {
      return `${name}: ack ${seq}, and the log holds ${[...numbers].join(', ')} and ${held} without a number`;
    });
  }
}

function wordsOf({ code, status }: Ending): string {
  if (status !== null) return `refused with ${status}`;
  return code === null ? 'left open' : `closed with ${code}`;
}

/** A device that behaves, twice a second. Each frame must be acknowledged within a second, whatever the strangers do. */
class Witness {
  private readonly box: Box;
  private readonly socket: ClientSocket;
  private readonly sent = new Map<number, number>();
  private seq = 0;
  private state: 'connecting' | 'greeted' | 'over' = 'connecting';

  constructor(box: Box, key: string, random: SeededRandom) {
    this.box = box;
    const options = { address: ADDRESS, from: '10.0.12.1', path: `/v1/device?device=${WITNESS}`, key };
    this.socket = new ClientSocket(box.network, random, options, {
      open: () => this.socket.send(encodeHello({ boot: random.whole(1, 2 ** 50) })),
      refused: () => this.stop(),
      message: (bytes) => this.receive(bytes),
      ping: () => {},
      closed: (code) => this.closed(code),
    });
  }

  stop(): void {
    if (this.state === 'over') return;
    this.state = 'over';
    this.socket.cut();
  }

  private receive(bytes: Uint8Array): void {
    const frame = parseBrokerFrame(bytes);
    if (frame?.kind !== FRAME.ack) return;
    if (this.state === 'connecting') {
      this.state = 'greeted';
      this.send();
    }
    for (const seq of this.sent.keys()) if (seq <= frame.seq) this.sent.delete(seq);
  }

  private send(): void {
    if (this.state === 'over') return;
    const { world, faults, machine } = this.box;
    const [oldest] = this.sent.values();
    const isHeld = (machine.running?.process.heldUntil ?? 0) > world.time - SERVED;
    const isServed = oldest === undefined || world.time - oldest <= SERVED || isHeld;
    faults.check(RULES.served, isServed, () => `a frame of the witness waits since ${oldest}`);
    this.seq += 1;
    this.sent.set(this.seq, world.time);
    this.socket.send(encodeTelemetry(this.seq, null, { n: this.seq }));
    world.after(500, () => this.send(), null);
  }

  private closed(code: number): void {
    if (this.state === 'over') return;
    this.state = 'over';
    this.box.faults.check(RULES.served, WEATHER_CODES.has(code), () => `the witness was closed with ${code}`);
  }
}
