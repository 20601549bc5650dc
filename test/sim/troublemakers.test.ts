/** What the demo shows beside devices that work. */
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../client/index.ts';
import { Troublemakers } from '../../device-sim/troublemakers.ts';
import { startBroker } from '../helpers/broker.ts';
import { eventually } from '../helpers/eventually.ts';
import { hastyClock } from '../helpers/hasty.ts';

/** A hundred times as fast. */
const hasty = {
  ...hastyClock(100),
  every: (ms: number, run: () => void) => systemClock.every(ms / 100, run),
};

it('has a device asleep, one gone, one without a clock, one garbled, one flapping and one with events', async () => {
  const { broker, url, key } = await startBroker({
    config: { limits: { invalidFramesPerMinute: 1_000_000 } },
  });
  const { fleet, events, counters } = broker.parts;
  const device = (id: string) => fleet.find('acme', id);
  const seen = { asleep: 0, flapped: 0, events: 0 };
  fleet.onPresence(({ id }, { reason }) => {
    if (id === 'sleepy-1' && reason === 'asleep') seen.asleep += 1;
    if (id === 'flapping-1' && reason === 'connection-lost') seen.flapped += 1;
  });
  events.subscribe(({ id }) => {
    if (id === 'alarming-1') seen.events += 1;
  });
  const troublemakers = new Troublemakers({ url, key: await key('device', 'acme'), clock: hasty });
  onTestFinished(() => troublemakers.stop());
  troublemakers.start();
  await eventually(() => {
    expect(seen.asleep).toBeGreaterThan(1);
    expect(seen.flapped).toBeGreaterThan(1);
    expect(seen.events).toBeGreaterThan(3);
    expect(device('clockless-1')?.clock).toBe('unset');
    expect(device('gone-1')).toMatchObject({ online: false, lastDataAt: expect.any(Number) });
    expect([...counters.frameErrors.values()].some((count) => count > 1)).toBe(true);
    expect(device('garbled-1')?.online).toBe(true);
  });
  expect([...fleet.devices('acme')].map(({ id }) => id).sort()).toEqual([...Troublemakers.names].sort());
  await troublemakers.stop();
  await troublemakers.stop();
  await eventually(() => expect(fleet.online).toBe(0));
});
