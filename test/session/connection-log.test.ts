/** What the log says of devices that come and go. */
import { describe, expect, it } from 'vitest';
import { sessionHarness } from '../helpers/session.ts';

describe('the log', () => {
  it('names a device that connects, and why and when its connection ended', () => {
    const { sessions, open, clock, lines } = sessionHarness();
    const { session } = open();
    clock.advance(90_000);
    sessions.closed(session, 'connection-lost');
    expect(lines).toEqual([
      {
        level: 'info',
        fields: { device: 'acme/pump', session: 's1', keyId: 'key1' },
        message: 'A device has connected.',
      },
      {
        level: 'info',
        fields: { device: 'acme/pump', session: 's1', reason: 'connection-lost', seconds: 90 },
        message: 'The connection of a device has ended.',
      },
    ]);
  });

  it('tells of a takeover, and that the older connection was replaced', () => {
    const { sessions, open, lines } = sessionHarness();
    const older = open('s1');
    open('s2');
    sessions.closed(older.session, 'device-closed');
    expect(lines.slice(1)).toMatchObject([
      { fields: { session: 's2', replaced: 's1' }, message: 'A newer connection took over.' },
      { fields: { session: 's1', reason: 'replaced' } },
    ]);
  });

  it('"10,000 devices came back and the log was nothing else": says how many were not told', () => {
    const { sessions, open, clock, lines } = sessionHarness();
    const all = Array.from({ length: 10_000 }, (_, index) => open(`s${index}`, 'key1', `d${index}`));
    for (const { session } of all.slice(0, 4000)) sessions.closed(session, 'device-closed');
    expect(lines).toHaveLength(50);
    clock.advance(10_000);
    expect(lines.at(-1)).toMatchObject({
      level: 'info',
      fields: { connected: 9950, ended: 4000, seconds: 10 },
    });
    open('s', 'key1', 'late');
    expect(lines).toHaveLength(52);
    // Nothing was left out since.
    sessions.stop();
    expect([lines.length, clock.pending]).toEqual([52, 0]);
  });

  it('says at a stop what it has left out', () => {
    const { sessions, open, lines } = sessionHarness();
    for (let index = 0; index < 60; index += 1) open(`s${index}`, 'key1', `d${index}`);
    sessions.stop();
    expect(lines.at(-1)).toMatchObject({ fields: { connected: 10, ended: 0 } });
  });
});
