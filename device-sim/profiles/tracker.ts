/** A vehicle tracker: drives, turns, stops; loses its fix in tunnels, where the position was not read (null, P-2.4). */
import { between, noise, rounded } from '../random.ts';
import {
  ActionRefused,
  approach,
  type Emission,
  happens,
  type Machine,
  numberSetting,
  type Profile,
} from './profile.ts';

/** Metres in a degree of latitude. */
const DEGREE = 111_320;
/** km/h that the driver is warned of. */
const SPEED_LIMITS = [10, 130] as const;
/** Cities to drive in: latitude, longitude. */
const CITIES = [
  [52.52, 13.4],
  [48.14, 11.58],
  [47.61, -122.33],
  [40.71, -74.01],
  [35.68, 139.69],
] as const;

export const tracker: Profile = {
  name: 'tracker',
  model: 'GT-9',
  firmware: '4.0.2',
  fields: ['lat', 'lon', 'speed', 'heading', 'satellites', 'fuel'],
  device(random): Machine {
    const [cityLat, cityLon] = CITIES[between(random, 0, CITIES.length - 1)] ?? CITIES[0];
    let lat = cityLat + noise(random, 0.03);
    let lon = cityLon + noise(random, 0.03);
    let heading = random() * 360;
    let speed = 0;
    let wanted = random() * 80;
    let speedLimit = 130;
    let fuel = 20 + random() * 80;
    let fix: 'good' | 'none' = 'good';

    const drive = (seconds: number): void => {
      if (happens(random, 90, seconds)) wanted = random() < 0.25 ? 0 : 20 + random() * 90;
      speed = approach(speed, Math.min(wanted, speedLimit), seconds, 6);
      heading = (heading + noise(random, Math.min(40, 4 * seconds)) + 360) % 360;
      // Home is never far: the fleet stays on the map of its city, and off the poles.
      if (Math.hypot(lat - cityLat, lon - cityLon) > 0.2) heading = bearing(cityLat - lat, cityLon - lon);
      const metres = Math.min(2000, (speed / 3.6) * seconds);
      const angle = (heading * Math.PI) / 180;
      lat += (Math.cos(angle) * metres) / DEGREE;
      lon += (Math.sin(angle) * metres) / (DEGREE * Math.cos((lat * Math.PI) / 180));
      fuel = fuel < 2 ? 100 : fuel - metres / 8000;
    };

    const change = (seconds: number): Emission[] => {
      if (happens(random, fix === 'good' ? 2 : 60, seconds)) fix = fix === 'good' ? 'none' : 'good';
      if (speed < 40 || !happens(random, 1.5, seconds)) return [];
      const force = rounded(0.45 + random() * 0.4, 2);
      wanted = 10;
      return [
        { kind: 'event', severity: 4, name: 'harsh-braking', data: { g: force, speed: Math.round(speed) } },
      ];
    };

    const measure = (seconds: number): Emission[] => {
      drive(seconds);
      const events = change(seconds);
      const seen = fix === 'good';
      const values = [
        seen ? rounded(lat, 6) : null,
        seen ? rounded(lon, 6) : null,
        rounded(speed, 1),
        Math.round(heading) % 360,
        seen ? between(random, 6, 12) : 0,
        rounded(fuel, 1),
      ];
      return [{ kind: 'telemetry', values }, ...events];
    };

    return {
      measure,
      commands: {
        locate() {
          if (fix === 'none') throw new ActionRefused('no fix: the sky is not in view');
          return { lat: rounded(lat, 6), lon: rounded(lon, 6) };
        },
        immobilize() {
          if (speed > 5) throw new ActionRefused('it is moving');
          wanted = 0;
          return { speed: 0 };
        },
      },
      settings: {
        speedLimit: numberSetting(
          () => speedLimit,
          (limit) => {
            speedLimit = limit;
          },
          SPEED_LIMITS,
        ),
      },
      reboot() {
        fix = 'none';
      },
    };
  },
};

/** Degrees from north, clockwise. */
function bearing(north: number, east: number): number {
  return ((Math.atan2(east, north) * 180) / Math.PI + 360) % 360;
}
