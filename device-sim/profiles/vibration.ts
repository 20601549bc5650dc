/** A vibration sensor on a bearing: each measurement is a burst of many samples in one batch; the bearing wears. */
import { noise, rounded } from '../random.ts';
import { type Emission, type Machine, numberSetting, type Profile } from './profile.ts';

/** Samples of a burst, and ms between them: 1,600 a second. */
const BURST = 32;
const STEP = 0.625;
const SHAFT_HERTZ = 48.3;
/** The outer ring of a worn bearing rings at about this multiple of the shaft. */
const DEFECT = 3.57;
const ALARM_AT = 0.8;
const ALARMS = [0.1, 0.99] as const;

export const vibration: Profile = {
  name: 'vibration',
  model: 'VS-1',
  firmware: '0.9.4',
  fields: ['x', 'y', 'z'],
  device(random): Machine {
    let wear = random() * 0.5;
    let time = random() * 10;
    let alarm: 'quiet' | 'raised' = 'quiet';
    let alarmAt = ALARM_AT;

    const sample = (at: number): number[] => {
      const shaft = 2 * Math.PI * SHAFT_HERTZ * at;
      const swing = (phase: number, size: number) =>
        rounded(
          size * Math.sin(shaft + phase) + wear * Math.sin(DEFECT * shaft + phase) + noise(random, 0.05),
          3,
        );
      return [swing(0, 0.6), swing(Math.PI / 2, 0.5), swing(1, 0.2)];
    };

    const measure = (seconds: number): Emission[] => {
      time += seconds;
      wear += seconds / 40_000;
      const samples = Array.from(
        { length: BURST },
        (_, index) => [index * STEP, sample(time + (index * STEP) / 1000)] as const,
      );
      const emissions: Emission[] = [{ kind: 'batch', samples }];
      if (wear > alarmAt && alarm === 'quiet') {
        alarm = 'raised';
        emissions.push({
          kind: 'event',
          severity: 2,
          name: 'bearing-wear',
          data: { wear: rounded(wear, 3) },
        });
      } else if (wear > 1) {
        // Somebody put in a new one.
        [wear, alarm] = [0.02, 'quiet'];
        emissions.push({ kind: 'event', severity: 5, name: 'bearing-replaced' });
      }
      return emissions;
    };

    return {
      measure,
      commands: {
        'reset-alarm'() {
          alarm = 'quiet';
          return { wear: rounded(wear, 3) };
        },
        'read-wear': () => ({ wear: rounded(wear, 3) }),
      },
      settings: {
        alarmAt: numberSetting(
          () => alarmAt,
          (share) => {
            alarmAt = share;
          },
          ALARMS,
        ),
      },
      reboot() {
        alarm = 'quiet';
      },
    };
  },
};
