import { describe, expect, it } from 'vitest';
import { parseTopic, restrictTopic, topicMatches } from '../../broker/hub/fleet/topics.ts';
import { fc } from '../helpers/fast-check.ts';

const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
const part = fc.oneof(id, fc.constant('+'));

describe('topics', () => {
  it('match a device exactly when each part is equal or +', () => {
    fc.assert(
      fc.property(part, part, id, id, (customer, device, ofCustomer, ofDevice) => {
        const topic = parseTopic(`${customer}/${device}`);
        const expected =
          (customer === '+' || customer === ofCustomer) && (device === '+' || device === ofDevice);
        expect(topic && topicMatches(topic, ofCustomer, ofDevice)).toBe(expected);
      }),
    );
  });

  it('are nothing else than customer/device, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const topic = parseTopic(text);
        if (topic) expect(`${topic.customer}/${topic.device}`).toBe(text);
        else expect(text).not.toMatch(/^([A-Za-z0-9_-]{1,64}|\+)\/([A-Za-z0-9_-]{1,64}|\+)$/);
      }),
    );
    for (const text of [
      '',
      '/',
      'acme',
      'acme/',
      '/pump',
      'acme/pump/temp',
      '#',
      'acme/#',
      'acme/pu+mp',
      '+/+\n',
    ]) {
      expect(parseTopic(text)).toBeNull();
    }
  });

  it('never show a viewer another customer than its own', () => {
    fc.assert(
      fc.property(part, part, id, id, id, (customer, device, own, other, otherDevice) => {
        fc.pre(own !== other);
        const topic = parseTopic(`${customer}/${device}`);
        const allowed = topic && restrictTopic(topic, own);
        expect(allowed ? topicMatches(allowed, other, otherDevice) : false).toBe(false);
      }),
    );
  });

  it('show an admin every customer', () => {
    expect(restrictTopic({ customer: '+', device: '+' }, '*')).toEqual({ customer: '+', device: '+' });
  });
});
