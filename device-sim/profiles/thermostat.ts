/** A room thermostat on a battery: heats with hysteresis, windows are opened, the battery drains. By name. */
import { between, noise, rounded } from '../random.ts';
import {
  approach,
  argument,
  type Emission,
  happens,
  type Machine,
  numberSetting,
  type Profile,
} from './profile.ts';

const HYSTERESIS = 0.4;
const BATTERY_LOW = 15;
/** Degrees Celsius that can be asked for. */
const TARGETS = [5, 30] as const;
/** Seconds in which the battery loses a percent. */
const PER_PERCENT = 3600;

export const thermostat: Profile = {
  name: 'thermostat',
  model: 'RT-2',
  firmware: '1.8.0',
  fields: null,
  device(random): Machine {
    const outside = 2 + random() * 10;
    let setpoint = between(random, 18, 23);
    let temperature = setpoint + noise(random, 1.5);
    let humidity = 40 + random() * 15;
    let battery = 30 + random() * 70;
    let window: 'open' | 'closed' = 'closed';
    let heating: 'on' | 'off' = 'off';

    const change = (seconds: number): Emission[] => {
      const before = battery;
      battery = battery <= 1 ? 100 : battery - seconds / PER_PERCENT;
      if (before > BATTERY_LOW && battery <= BATTERY_LOW) {
        return [{ kind: 'event', severity: 4, name: 'battery-low', data: { battery: rounded(battery, 1) } }];
      }
      if (happens(random, 1, seconds)) setpoint = between(random, 18, 23);
      if (!happens(random, window === 'open' ? 12 : 0.7, seconds)) return [];
      window = window === 'open' ? 'closed' : 'open';
      return [{ kind: 'event', severity: 6, name: `window-${window === 'open' ? 'opened' : 'closed'}` }];
    };

    const measure = (seconds: number): Emission[] => {
      const events = change(seconds);
      if (temperature < setpoint - HYSTERESIS) heating = 'on';
      else if (temperature > setpoint + HYSTERESIS) heating = 'off';
      const target = outside + (window === 'open' ? 2 : 10) + (heating === 'on' ? 14 : 0);
      temperature = approach(temperature, target, seconds, window === 'open' ? 300 : 2400);
      humidity = approach(humidity, window === 'open' ? 70 : 45, seconds, 900);
      const values = {
        temperature: rounded(temperature + noise(random, 0.03), 2),
        setpoint,
        humidity: rounded(humidity + noise(random, 0.3), 1),
        heating: heating === 'on',
        battery: rounded(battery, 1),
      };
      return [{ kind: 'telemetry', values }, ...events];
    };

    return {
      measure,
      commands: {
        'set-target'(args) {
          setpoint = argument(args, 'celsius', ...TARGETS);
          return { setpoint };
        },
        'test-window': () => ({ window }),
      },
      settings: {
        target: numberSetting(
          () => setpoint,
          (celsius) => {
            setpoint = celsius;
          },
          TARGETS,
        ),
      },
      reboot() {
        heating = 'off';
      },
    };
  },
};
