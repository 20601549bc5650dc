/** Ids and names cannot reach another topic: whatever they are, a topic is where it should be, or is not made at all. */

import { describe, expect, it } from 'vitest';
import {
  commandResultTopic,
  type DeviceRoute,
  deviceTopic,
  everyCommand,
  everyDevice,
  matches,
  parseCommandTopic,
  parseDeviceTopic,
  statusTopic,
} from '../../broker/bridge/topics.ts';
import { fc } from '../helpers/fast-check.ts';

const ROUTES: readonly DeviceRoute[] = ['availability', 'state', 'telemetry', 'event'];
/** Ordinary ids, and texts made of what is special in topics. */
const anyPart = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/),
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.stringMatching(/^[+#/$\0a.]{0,6}$/),
  fc.constantFrom('$SYS', '..', 'bridge', 'status', 'command', 'result', ''),
);

function made(make: () => string): string | null {
  try {
    return make();
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

describe('a topic of a device', () => {
  it('is below its own customer and device, or is not made', () => {
    fc.assert(
      fc.property(anyPart, anyPart, fc.constantFrom(...ROUTES), (customer, device, route) => {
        const topic = made(() => deviceTopic('signalbox', customer, device, route));
        if (topic === null) return;
        expect(topic.split('/')).toEqual(['signalbox', customer, device, route]);
        expect(topic).not.toMatch(/[+#\0$]/);
        expect(topic).not.toBe(statusTopic('signalbox'));
        expect(parseDeviceTopic('signalbox', topic, route)).toEqual({ customer, device });
        expect(matches(everyDevice('signalbox', route), topic)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('is never made of a wildcard, a separator, NUL or $', () => {
    for (const part of ['+', '#', 'a/b', 'a\0', '$SYS', '', 'ä', 'a+', '../x']) {
      expect(made(() => deviceTopic('signalbox', part, 'pump', 'state'))).toBeNull();
      expect(made(() => deviceTopic('signalbox', 'acme', part, 'state'))).toBeNull();
      expect(made(() => commandResultTopic('signalbox', 'acme', 'pump', part))).toBeNull();
    }
  });
});

describe('a topic of a command', () => {
  it('says whom it is for, and its result goes below it', () => {
    fc.assert(
      fc.property(anyPart, anyPart, anyPart, (customer, device, name) => {
        const topic = `signalbox/${customer}/${device}/command/${name}`;
        const parsed = parseCommandTopic('signalbox', topic);
        if (!parsed) return;
        expect(parsed).toEqual({ customer, device, name });
        expect(matches(everyCommand('signalbox'), topic)).toBe(true);
        expect(commandResultTopic('signalbox', customer, device, name)).toBe(`${topic}/result`);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    'signalbox/acme/pump/command',
    'signalbox/acme/pump/command/reboot/result',
    'signalbox/acme/command/reboot',
    'other/acme/pump/command/reboot',
    'signalbox/acme/pump/command/',
    'signalbox/acme/pump/state',
    'signalboxx/acme/pump/command/reboot',
  ])('is not %s', (topic) => {
    expect(parseCommandTopic('signalbox', topic)).toBeNull();
  });
});

it('a filter matches as MQTT says', () => {
  expect(matches('a/+/c', 'a/b/c')).toBe(true);
  expect(matches('a/+/c', 'a/b/c/d')).toBe(false);
  expect(matches('a/#', 'a/b/c')).toBe(true);
  expect(matches('a/#', 'b/c')).toBe(false);
  expect(matches('a/b', 'a/b')).toBe(true);
});
