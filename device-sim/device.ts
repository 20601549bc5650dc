/**
 * One simulated device: sends what its machine measures as often as is due, and lets commands and desired values change
 * it. Owns when it measures next, and whether it was turned away.
 */
import type { Clock } from '../broker/base/clock.ts';
import type { ValueMap } from '../broker/wire/frames.ts';
import type { DeviceClient } from '../client/index.ts';
import { type CommandBehaviour, SimulatedCommands } from './commands.ts';
import {
  type Action,
  type Emission,
  type Machine,
  numberSetting,
  type Profile,
  type Setting,
} from './profiles/profile.ts';
import type { ClientTally } from './tally.ts';

/** A process that fell behind by more than this does not catch up; ms. */
const CATCH_UP = 1000;
/** What can be asked for; seconds. */
const INTERVALS = [0.05, 3600] as const;

/** A refusal that does not pass by itself, such as 401. */
export function needsPerson(status: number): boolean {
  return status < 500 && status !== 429;
}

export interface SimulatedDeviceParts {
  readonly client: DeviceClient;
  readonly profile: Pick<Profile, 'model' | 'firmware'>;
  readonly machine: Machine;
  readonly tally: ClientTally;
  readonly clock: Clock;
  /** ms between measurements, until desired values say otherwise. */
  readonly interval: number;
  readonly behaviour: CommandBehaviour;
  readonly seed: number;
  readonly onExecuted: (id: string) => void;
}

export class SimulatedDevice {
  /** `turned away`: it could only go on if a person changed something. */
  state: 'new' | 'running' | 'turned away' = 'new';
  private readonly parts: SimulatedDeviceParts;
  private readonly settings: Readonly<Record<string, Setting>>;
  private interval: number;
  /** Monotonic ms. */
  private nextAt = 0;

  constructor(parts: SimulatedDeviceParts) {
    this.parts = parts;
    this.interval = parts.interval;
    this.settings = { interval: this.intervalSetting(), ...parts.machine.settings };
    const { client } = parts;
    parts.tally.watch(client);
    const actions = { ...this.commonActions(), ...parts.machine.commands };
    new SimulatedCommands({ ...parts, actions }).start();
    client.onDesired((values) => this.apply(values));
    client.on('refused', ({ status }) => {
      if (needsPerson(status)) this.turnAway();
    });
    client.on('ended', ({ reason }) => {
      if (reason === 'key-ended') this.turnAway();
    });
  }

  /** `firstAt`: when it measures first, monotonic ms; spread over the fleet, so that it does not send in step. */
  start(firstAt: number): void {
    this.state = 'running';
    this.nextAt = firstAt;
    this.parts.client.start();
  }

  /** Measures as often as was due until `now`, monotonic ms. */
  run(now: number): void {
    if (this.state !== 'running') return;
    const { machine } = this.parts;
    if (this.nextAt < now - CATCH_UP) this.nextAt = now;
    for (; this.nextAt <= now; this.nextAt += this.interval) {
      for (const emission of machine.measure(this.interval / 1000)) this.emit(emission);
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

  /** What every device can do. */
  private commonActions(): Record<string, Action> {
    const { profile, machine } = this.parts;
    return {
      reboot: () => {
        machine.reboot();
        this.emit({ kind: 'event', severity: 5, name: 'rebooted' });
        return null;
      },
      identify: () => {
        this.emit({ kind: 'event', severity: 6, name: 'identified' });
        return { model: profile.model, firmware: profile.firmware };
      },
    };
  }

  private intervalSetting(): Setting {
    const set = (seconds: number) => {
      this.interval = seconds * 1000;
      this.nextAt = Math.min(this.nextAt, this.parts.clock.monotonic() + this.interval);
    };
    return numberSetting(() => this.interval / 1000, set, INTERVALS);
  }

  /** Names that it does not know are not reported, so that the difference shows them (P-6). */
  private apply(desired: ValueMap): ValueMap {
    for (const [name, value] of Object.entries(desired)) this.settings[name]?.set(value);
    return Object.fromEntries(Object.entries(this.settings).map(([name, setting]) => [name, setting.get()]));
  }

  private emit(emission: Emission): void {
    const { client, tally } = this.parts;
    if (emission.kind === 'telemetry') client.send(emission.values);
    else if (emission.kind === 'batch') client.sendBatch(emission.samples);
    else client.sendEvent(emission.severity, emission.name, emission.data);
    tally.handedIn(emission.kind === 'batch' ? emission.samples.length : 1);
  }
}
