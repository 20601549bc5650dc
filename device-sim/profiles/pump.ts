/** A centrifugal pump: runs and rests, warms up under load, clogs slowly, trips when it is too hot. Positional. */
import { noise, rounded } from '../random.ts';
import {
  ActionRefused,
  approach,
  argument,
  type Emission,
  happens,
  type Machine,
  numberSetting,
  type Profile,
} from './profile.ts';

const AMBIENT = 18;
const TRIP_AT = 88;
const RESTART_BELOW = 55;
/** Revolutions a minute: the nominal ones, and what can be asked for. */
const NOMINAL = 2900;
const SPEEDS = [500, 3000] as const;

export const pump: Profile = {
  name: 'pump',
  model: 'CP-40',
  firmware: '2.3.1',
  fields: ['temp', 'pressure', 'flow', 'current', 'rpm', 'running'],
  device(random): Machine {
    let state: 'running' | 'resting' | 'tripped' = random() < 0.85 ? 'running' : 'resting';
    let clogging = random() * 0.3;
    let temperature = AMBIENT + random() * 30;
    let speed = 0;
    let wanted = NOMINAL;

    const change = (seconds: number): Emission[] => {
      if (state === 'running' && temperature > TRIP_AT) {
        state = 'tripped';
        return [{ kind: 'event', severity: 3, name: 'overheated', data: { temp: rounded(temperature, 1) } }];
      }
      if (state === 'tripped' && temperature < RESTART_BELOW) {
        state = 'running';
        clogging = 0;
        return [{ kind: 'event', severity: 5, name: 'restarted' }];
      }
      if (state !== 'tripped' && happens(random, 4, seconds)) {
        state = state === 'running' ? 'resting' : 'running';
        return [{ kind: 'event', severity: 6, name: state === 'running' ? 'started' : 'stopped' }];
      }
      return [];
    };

    const measure = (seconds: number): Emission[] => {
      const events = change(seconds);
      const running = state === 'running';
      speed = approach(speed, running ? wanted : 0, seconds, 3);
      const load = speed / NOMINAL;
      clogging = Math.min(1, clogging + (load * seconds) / 20_000);
      temperature = approach(temperature, AMBIENT + load * (42 + 40 * clogging), seconds, 120);
      const values = [
        rounded(temperature + noise(random, 0.15), 1),
        rounded(load * load * (4.2 + clogging) + noise(random, 0.02), 2),
        rounded(Math.max(0, load * 38 * (1 - 0.6 * clogging) + noise(random, 0.2)), 1),
        rounded(Math.max(0, load * (7.5 + 3 * clogging) + noise(random, 0.05)), 2),
        Math.max(0, Math.round(speed + noise(random, 4))),
        running,
      ];
      return [{ kind: 'telemetry', values }, ...events];
    };

    return {
      measure,
      commands: {
        start() {
          if (state === 'tripped') throw new ActionRefused('it has tripped and is too hot to start');
          state = 'running';
          return { running: true };
        },
        stop() {
          if (state === 'running') state = 'resting';
          return { running: false };
        },
        'set-speed'(args) {
          wanted = argument(args, 'rpm', ...SPEEDS);
          return { rpm: wanted };
        },
      },
      settings: {
        rpm: numberSetting(
          () => wanted,
          (rpm) => {
            wanted = rpm;
          },
          SPEEDS,
        ),
      },
      reboot() {
        speed = 0;
        wanted = NOMINAL;
      },
    };
  },
};
