/** One simulated device: its client, its generator, and when it measures next. */
import type { DeviceClient } from '../client/index.ts';
import type { Emission, Generator } from './profiles/profile.ts';
import type { Tally } from './tally.ts';

/** A process that fell behind by more than this does not catch up; ms. */
const CATCH_UP = 1000;

/** A refusal that does not pass by itself, such as 401. */
export function needsPerson(status: number): boolean {
  return status < 500 && status !== 429;
}

export interface SimulatedDeviceParts {
  readonly client: DeviceClient;
  readonly generator: Generator;
  readonly tally: Tally;
  /** ms between measurements. */
  readonly interval: number;
}

export class SimulatedDevice {
  /** `turned away`: it could only go on if a person changed something. */
  state: 'new' | 'running' | 'turned away' = 'new';
  private readonly parts: SimulatedDeviceParts;
  private nextAt = 0;

  constructor(parts: SimulatedDeviceParts) {
    this.parts = parts;
    const { client } = parts;
    parts.tally.watch(client);
    client.on('refused', ({ status }) => {
      if (needsPerson(status)) this.turnAway();
    });
    client.on('ended', ({ reason }) => {
      if (reason === 'key-ended') this.turnAway();
    });
  }

  /** `firstAt`: when it measures first; spread over the fleet, so that it does not send in step. */
  start(firstAt: number): void {
    this.state = 'running';
    this.nextAt = firstAt;
    this.parts.client.start();
  }

  /** Measures as often as was due until now. */
  run(now: number): void {
    if (this.state !== 'running') return;
    const { interval, generator } = this.parts;
    if (this.nextAt < now - CATCH_UP) this.nextAt = now;
    for (; this.nextAt <= now; this.nextAt += interval) {
      for (const emission of generator(interval / 1000)) this.emit(emission);
    }
  }

  stop(drain: number): Promise<void> {
    return this.parts.client.stop({ drain: this.state === 'running' ? drain : 0 });
  }

  /** Also while it is stopping: there is nothing to wait for. */
  private turnAway(): void {
    this.state = 'turned away';
    void this.parts.client.stop();
  }

  private emit(emission: Emission): void {
    const { client, tally } = this.parts;
    if (emission.kind === 'telemetry') client.send(emission.values);
    else if (emission.kind === 'batch') client.sendBatch(emission.samples);
    else client.sendEvent(emission.severity, emission.name, emission.data);
    tally.took(emission.kind === 'batch' ? emission.samples.length : 1);
  }
}
