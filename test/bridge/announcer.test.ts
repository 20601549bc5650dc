/** When Home Assistant is told of a device, and when it is taken away. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { Announcer } from '../../broker/bridge/home-assistant/announcer.ts';
import type { Device } from '../../broker/hub/fleet/device.ts';
import { Fleet } from '../../broker/hub/fleet/fleet.ts';
import { Revisions } from '../../broker/hub/fleet/revisions.ts';
import type { Value } from '../../broker/wire/frames.ts';
import { FakeClock } from '../helpers/clock.ts';
import { silentLog } from '../helpers/log.ts';

const TOPIC = 'homeassistant/device/acme_pump/config';

function world(hasRoom: () => boolean = () => true) {
  const clock = new FakeClock();
  const fleet = new Fleet(new Revisions(clock.now()));
  const published: [topic: string, payload: string][] = [];
  const announcer = new Announcer({
    fleet,
    clock,
    logger: silentLog,
    prefix: 'homeassistant',
    options: { baseTopic: 'signalbox', version: '1.2.3', metadata: new Map(), buttons: [] },
    publish: (topic, payload) => hasRoom() && published.push([topic, payload]) > 0,
  });
  announcer.start();
  onTestFinished(() => announcer.stop());
  const measures = (device: Device, name: string, value: Value) => {
    const columns = device.metrics.columnsFor([name], 1024) ?? [];
    device.metrics.merge(columns, { names: [name], values: [value] }, 1, 1, fleet.touch(device));
  };
  /** What was told since, by topic: the names of its entities, or `gone`. */
  const told = () => {
    clock.advance(3000);
    return published
      .splice(0)
      .map(([topic, payload]) => [
        topic,
        payload === '' ? 'gone' : Object.keys(JSON.parse(payload).components),
      ]);
  };
  const device = fleet.obtain('acme', 'pump');
  measures(device, 'temp', 21.5);
  return { clock, fleet, announcer, published, device, measures, told };
}

describe('a device', () => {
  it('is announced when the bridge connects, and again after each reconnect', () => {
    const { announcer, told } = world();
    expect(told()).toEqual([]);
    announcer.connected();
    expect(told()).toEqual([[TOPIC, ['/connectivity', 'temp']]]);
    announcer.connected();
    expect(told()).toHaveLength(1);
  });

  it('is announced again when Home Assistant has started, and for nothing else that it says', () => {
    const { announcer, told } = world();
    announcer.connected();
    told();
    announcer.receive('offline');
    expect(told()).toEqual([]);
    announcer.receive('online');
    expect(told()).toHaveLength(1);
  });

  it('is announced anew when it measures something new, and not for every value', () => {
    const { announcer, told, device, measures } = world();
    announcer.connected();
    told();
    measures(device, 'temp', 22);
    expect(told()).toEqual([]);
    measures(device, 'running', true);
    expect(told()).toEqual([[TOPIC, ['/connectivity', 'temp', 'running']]]);
  });

  it('is announced anew when it has new firmware, and not for each hello', () => {
    const { announcer, fleet, told, device } = world();
    const hello = (firmware: string) => {
      device.description = { model: null, firmware, meta: null, maxFrame: null };
      fleet.touch(device);
    };
    announcer.connected();
    hello('1.0');
    told();
    hello('1.0');
    expect(told()).toEqual([]);
    hello('1.1');
    expect(told()).toHaveLength(1);
  });

  it('is announced anew when a metric has become something else', () => {
    const { announcer, told, device, measures } = world();
    announcer.connected();
    told();
    measures(device, 'temp', true);
    expect(told()).toHaveLength(1);
  });

  it('is taken away when it is forgotten', () => {
    const { announcer, fleet, told, device } = world();
    announcer.connected();
    told();
    fleet.forget(device);
    expect(told()).toEqual([[TOPIC, 'gone']]);
  });

  it('whose topic another one has already is not announced over it', () => {
    const { announcer, fleet, told, measures } = world();
    const one = fleet.obtain('acme_pump', 'x');
    const other = fleet.obtain('acme', 'pump_x');
    for (const device of [one, other]) measures(device, 'temp', 1);
    announcer.connected();
    const topics = told().map(([topic]) => topic);
    expect(topics.filter((topic) => topic === 'homeassistant/device/acme_pump_x/config')).toHaveLength(1);
    fleet.forget(one);
    expect(told()).toEqual([]);
  });
});

it('a fleet of many is told in slices, so that nobody is held up', () => {
  const { announcer, fleet, clock, published, measures } = world();
  for (let number = 0; number < 1000; number += 1) measures(fleet.obtain('acme', `d${number}`), 'temp', 1);
  announcer.connected();
  clock.advance(20);
  expect(published.length).toBeLessThanOrEqual(200);
  clock.advance(1000);
  expect(published).toHaveLength(1001);
});

describe('while the MQTT server is away and nothing more can wait for it', () => {
  it('a device that is forgotten is taken away later, and does not stay in Home Assistant', () => {
    const room = { state: 'free' };
    const { announcer, fleet, told, device } = world(() => room.state === 'free');
    announcer.connected();
    told();
    room.state = 'full';
    fleet.forget(device);
    expect(told()).toEqual([]);
    room.state = 'free';
    expect(told()).toEqual([[TOPIC, 'gone']]);
  });

  it('every device is announced in the end, once, however often it changed', () => {
    const room = { state: 'full' };
    const { announcer, fleet, told, measures } = world(() => room.state === 'free');
    const devices = Array.from({ length: 500 }, (_, number) => fleet.obtain('acme', `d${number}`));
    announcer.connected();
    for (let round = 0; round < 20; round += 1) {
      for (const device of devices) measures(device, `metric-${round}`, round);
      told();
    }
    room.state = 'free';
    expect(told()).toHaveLength(501);
  });
});
