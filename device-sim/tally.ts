/** Counts what happens to a set of clients. Owns the counters behind a report. */
import type { Clock } from '../broker/base/clock.ts';
import type { DeviceClient, ResultName } from '../client/index.ts';
import { Durations } from './durations.ts';
import { rounded } from './random.ts';
import type { CommandCounts, Report } from './report.ts';

/** Different problems that are told apart; the rest is counted together. */
const PROBLEMS = 20;
const MORE = 'other problems';

export class ClientTally {
  private readonly clock: Clock;
  /** Monotonic ms, as `endedAt`. */
  private startedAt = 0;
  private readonly latency = new Durations();
  private readonly problems = new Map<string, number>();
  private endedAt: number | null = null;
  private devices = 0;
  private connected = 0;
  private online = 0;
  private sent = 0;
  private samples = 0;
  private acknowledged = 0;
  private dropped = 0;
  private resent = 0;
  private refused = 0;
  private disconnects = 0;
  private readonly commands: Record<keyof CommandCounts, number> = {
    received: 0,
    repeated: 0,
    executed: 0,
    accepted: 0,
    done: 0,
    failed: 0,
    rejected: 0,
  };

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** From here on the time counts. */
  start(): void {
    this.startedAt = this.clock.monotonic();
  }

  /** Counts what this client tells from now on. */
  watch(client: DeviceClient): void {
    this.devices += 1;
    let presence: 'never' | 'online' | 'offline' = 'never';
    client.on('resumed', ({ resent }) => {
      if (presence === 'never') this.connected += 1;
      presence = 'online';
      this.online += 1;
      this.resent += resent;
    });
    client.on('disconnected', ({ code, reason }) => {
      if (presence === 'online') this.online -= 1;
      if (presence === 'online') presence = 'offline';
      // 1000 is our own stop.
      if (code === 1000) return;
      this.disconnects += 1;
      this.problem(`connection ended (${code}): ${reason || 'no reason was given'}`);
    });
    client.on('acknowledged', ({ frames }) => {
      const now = this.clock.now();
      this.acknowledged += frames.length;
      for (const { queuedAt } of frames) this.latency.add(now - queuedAt);
    });
    client.on('dropped', ({ seqs, detail }) => {
      this.dropped += seqs.length;
      this.problem(`frame given up: ${detail}`);
    });
    client.on('refused', ({ status, problem }) => {
      this.refused += 1;
      this.problem(`refused (${status}): ${problem ? problem.detail : 'no reason was given'}`);
    });
    client.on('error', ({ code, message }) => this.problem(`error ${code}: ${message}`));
    client.on('fault', ({ message }) => this.problem(`fault: ${message}`));
    this.watchCommands(client);
  }

  /** A device began to carry out a command. */
  executed(): void {
    this.commands.executed += 1;
  }

  /** A frame was handed in. */
  handedIn(samples: number): void {
    this.sent += 1;
    this.samples += samples;
  }

  private watchCommands(client: DeviceClient): void {
    const { commands } = this;
    client.on('command', () => {
      commands.received += 1;
    });
    client.on('repeated', () => {
      commands.repeated += 1;
    });
    client.on('answered', ({ status }: { readonly status: ResultName }) => {
      if (status !== 'progress') commands[status] += 1;
    });
  }

  problem(what: string): void {
    const name = this.problems.has(what) || this.problems.size < PROBLEMS ? what : MORE;
    this.problems.set(name, (this.problems.get(name) ?? 0) + 1);
  }

  /** Nothing more comes: what waits now is lost. Idempotent. */
  close(): void {
    this.endedAt ??= this.clock.monotonic();
  }

  report(): Report {
    const seconds = rounded(((this.endedAt ?? this.clock.monotonic()) - this.startedAt) / 1000, 3);
    const open = this.sent - this.acknowledged - this.dropped;
    const isClosed = this.endedAt !== null;
    return {
      devices: this.devices,
      connected: this.connected,
      online: this.online,
      seconds,
      sent: this.sent,
      samples: this.samples,
      acknowledged: this.acknowledged,
      pending: isClosed ? 0 : open,
      lost: this.dropped + (isClosed ? open : 0),
      resent: this.resent,
      refused: this.refused,
      disconnects: this.disconnects,
      ackP50: this.latency.quantile(0.5),
      ackP99: this.latency.quantile(0.99),
      commands: { ...this.commands },
      framesPerSecond: seconds > 0 ? rounded(this.acknowledged / seconds, 1) : 0,
      problems: [...this.problems].map(([what, count]) => ({ what, count })),
    };
  }
}
