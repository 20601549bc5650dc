/** Commands, documents and addresses as people read them. */
import { describe, expect, it } from 'vitest';
import { offset, statusText, stepText, toneOf, who } from '../../dashboard/device/command-model.ts';
import { compare, readDocument, summary, versionOf } from '../../dashboard/device/comparison.ts';
import { longJson, parseJson, shortJson } from '../../dashboard/json-text.ts';
import { deviceLink, readRoute } from '../../dashboard/route.ts';
import {
  COMMAND_STATUS_TEXTS,
  type CommandStepView,
  type CommandView,
  type Documents,
} from '../../schemas/api.ts';

const STATUSES = Object.keys(COMMAND_STATUS_TEXTS) as CommandView['status'][];
const command = (status: CommandView['status'], ...timeline: CommandStepView[]) =>
  ({ status, timeline }) as CommandView;

describe('a status', () => {
  it('has words of its own, each', () => {
    const texts = STATUSES.map((status) => statusText(command(status)));
    expect(new Set(texts).size).toBe(STATUSES.length);
  });

  it('of written looks like nothing that a device said, and says that it is not confirmed', () => {
    expect(statusText(command('written'))).toBe('sent, not confirmed');
    const others = STATUSES.filter((status) => status !== 'written');
    expect(others.map((status) => toneOf({ status }))).not.toContain(toneOf({ status: 'written' }));
    expect(stepText({ status: 'written', at: 1, attempt: 2 })).toBe(
      'Sent, attempt 2; whether it arrived is not known.',
    );
  });

  it('of progress tells how far the device is, if it says so', () => {
    expect(statusText(command('progress', { status: 'progress', at: 1, data: { percent: 40.4 } }))).toBe(
      'in progress, 40 %',
    );
    expect(statusText(command('progress', { status: 'progress', at: 1, data: 'soon' }))).toBe('in progress');
  });
});

describe('a step', () => {
  it.each<[CommandStepView, string]>([
    [{ status: 'queued', at: 1, by: 'abcd1234' }, 'Stored, asked for by key abcd1234.'],
    [{ status: 'queued', at: 1, by: 'mqtt' }, 'Stored, asked for by the MQTT bridge.'],
    [{ status: 'accepted', at: 1, session: 's1' }, 'The device has it and will do it.'],
    [
      { status: 'progress', at: 1, data: { percent: 5, note: 'filling' } },
      'The device is at it: 5 %, filling.',
    ],
    [{ status: 'progress', at: 1, data: [1] }, 'The device is at it: [1].'],
    [{ status: 'done', at: 1, session: 's1' }, 'The device did it.'],
    [{ status: 'done', at: 1, session: 's1', data: { rpm: 3 } }, 'The device did it: {"rpm":3}.'],
    [
      { status: 'failed', at: 1, session: 's1', data: { reason: 'Blocked!' } },
      'The device could not do it: Blocked!',
    ],
    [
      { status: 'failed', at: 1, reason: 'no acceptance after 5 attempts' },
      'Failed: no acceptance after 5 attempts.',
    ],
    [
      { status: 'rejected', at: 1, session: 's1', data: { reason: 'no', code: 1 } },
      'The device will not do it: {"reason":"no","code":1}.',
    ],
    [{ status: 'expired', at: 1, reason: 'its ttl ran out' }, 'Expired: its ttl ran out.'],
    [
      { status: 'cancelled', at: 1, by: 'abcd1234', reason: 'asked to' },
      'Cancelled by key abcd1234: asked to.',
    ],
    [
      { status: 'done', at: 1, session: 's1', late: true },
      'Late: The device did it. It came after the end and changed nothing.',
    ],
  ])('%j reads as a sentence', (step, text) => {
    expect(stepText(step)).toBe(text);
  });

  it('that is late weighs nothing, whatever it says', () => {
    expect([toneOf({ status: 'done', late: true }), toneOf({ status: 'done' })]).toEqual(['over', 'good']);
  });

  it('names instants in the zone of the person', () => {
    const text = stepText({
      status: 'expired',
      at: 1,
      reason: 'device offline since 2026-05-28T20:26:40.000Z',
    });
    expect(text).toMatch(/^Expired: device offline since \d+ \w+ 2026, \d\d:26:40\.$/);
  });

  it('tells how long after the request it came', () => {
    expect([0, 3.4, 804, 1500, 125_000].map(offset)).toEqual(['', '+3 ms', '+804 ms', '+1.5 s', '+2 min']);
    expect(who('k1')).toBe('key k1');
  });
});

describe('desired and reported', () => {
  const documents = (part: Partial<Documents>): Documents => {
    const nothing = { desired: null, reported: null, difference: {}, inSync: true };
    return { device: 'acme/pump-7', ...nothing, ...part };
  };
  const desired = { version: 3, values: { target: 21.5, on: true, zones: [1] }, at: 1, by: 'k1' };
  const reported = { version: 3, values: { on: true, target: 20, uptime: 9 }, at: 2 };
  const difference = { target: { desired: 21.5, reported: 20 }, zones: { desired: [1] } };

  it('stand side by side, what differs first', () => {
    expect(compare(documents({ desired, reported, difference, inSync: false }))).toEqual([
      { name: 'target', desired: '21.5', reported: '20', state: 'differs' },
      { name: 'zones', desired: '[1]', reported: null, state: 'unreported' },
      { name: 'on', desired: 'true', reported: 'true', state: 'same' },
      { name: 'uptime', desired: null, reported: '9', state: 'extra' },
    ]);
  });

  it.each<[Partial<Documents>, string]>([
    [{}, 'Nothing is desired yet.'],
    [{ reported }, 'Nothing is desired; the device tells what it applies.'],
    [{ desired, difference, inSync: false }, 'Version 3 is desired; the device has reported nothing yet.'],
    [{ desired, reported, difference, inSync: false }, 'The device has version 3 and differs in 2 names.'],
    [
      { desired, reported: { ...reported, version: 2 }, difference, inSync: false },
      'Version 3 is desired; the device has applied version 2.',
    ],
    [
      { desired, reported: { ...reported, version: 0 }, difference, inSync: false },
      'Version 3 is desired; the device has applied none yet.',
    ],
    [{ desired, reported }, 'The device is as desired (version 3).'],
    [
      { desired, difference, inSync: false, obstacle: 'It is too large.' },
      'Version 3 is desired; the device has reported nothing yet. It is not sent: It is too large.',
    ],
  ])('are summed up in a sentence (%#)', (part, text) => {
    expect(summary(documents(part))).toBe(text);
  });

  it('are changed from the version that was seen; none is 0', () => {
    expect([versionOf(documents({ desired })), versionOf(documents({}))]).toEqual([3, 0]);
  });

  it('are objects, nothing else', () => {
    expect(readDocument('{"interval": 30}')).toEqual({ values: { interval: 30 } });
    for (const text of ['', '[1]', '7', 'null']) {
      expect(readDocument(text)).toEqual({ problem: expect.stringContaining('must be a JSON object') });
    }
    expect(readDocument('{')).toEqual({ problem: expect.stringContaining('not valid JSON') });
  });
});

describe('typed JSON', () => {
  it('of nothing is null', () => {
    expect([parseJson(''), parseJson(' \n')]).toEqual([{ value: null }, { value: null }]);
  });

  it('with single quotes is told about double quotes', () => {
    expect(parseJson("{'a': 1}")).toEqual({ problem: expect.stringMatching(/double quotes\.$/) });
  });

  it.each(['12345678901234567890', '{"a": [1e999]}'])(
    'with a number that would be changed (%s) is refused',
    (text) => {
      expect(parseJson(text)).toEqual({ problem: expect.stringContaining('too big to be kept exactly') });
    },
  );

  it('is shown in one line, or in lines', () => {
    expect([shortJson({ a: [1] }), longJson({ a: 1 })]).toEqual(['{"a":[1]}', '{\n  "a": 1\n}']);
  });
});

describe('the address', () => {
  it('names a device, and the link to a device is such an address', () => {
    expect(readRoute(deviceLink('acme/pump-7'))).toEqual({ device: 'acme/pump-7' });
  });

  it.each([
    '',
    '#',
    '#/',
    '#login=abc',
    '#/acme',
    '#/acme/pump 7',
    '#/acme/pump-7/x',
    '#/../..',
    '#/a%2Fb/c',
  ])('that names none (%s) is the fleet', (hash) => {
    expect(readRoute(hash)).toEqual({ device: null });
  });
});
