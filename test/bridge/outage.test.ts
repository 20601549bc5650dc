/**
 * The server away under load, then back: everything that was acknowledged to devices arrives, in order and at least once,
 * and the one statement about it says what the subscriber's ledger says.
 */
import { expect, it } from 'vitest';
import { requires } from '../helpers/requires.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { Ledger } from './ledger.ts';
import { startMosquitto } from './mosquitto.ts';
import { subscribe } from './subscriber.ts';
import { startWorld } from './world.ts';

const DEVICES = ['a', 'b', 'c', 'd', 'e'];
const TELEMETRY = ['signalbox/+/+/telemetry'];

requires('mosquitto')('a server that was away under load', () => {
  it('gets all of it in order, and the statement equals the ledger', async () => {
    const mosquitto = await startMosquitto();
    const subscriber = await subscribe(mosquitto.url, TELEMETRY);
    const world = await startWorld({ url: mosquitto.url });
    await world.until(({ state }) => state === 'connected');
    await world.samples(DEVICES, 1, 200);
    await world.drained();
    const before = world.bridge.status();
    await mosquitto.stop();
    await world.until(({ state }) => state !== 'connected');
    await world.samples(DEVICES, 201, 4200);
    const away = await world.until(({ backlog }) => backlog.bytes > 0);
    expect(away.backlog.messages).toBeGreaterThan(10_000);
    expect(away.lastError?.message).toContain('127.0.0.1');
    await mosquitto.start();
    await world.drained();
    const ledger = new Ledger(subscriber);
    await ledger.complete(DEVICES, 4200);
    expect(ledger.disorder()).toEqual([]);
    expect(world.statements).toHaveLength(1);
    const [statement] = world.statements;
    expect(statement).toMatchObject({ sent: 20_000, lostBytes: 0 });
    expect(statement?.sent).toBe(world.bridge.status().sent - before.sent);
    expect(ledger.copies()).toBeLessThanOrEqual(21_000 + (statement?.repeated ?? 0));
    expect(Object.values(statement?.dropped ?? {})).toEqual([0, 0, 0, 0]);
    expect(statement?.from).toBeLessThan(statement?.to ?? 0);
    expect(world.lines.filter(({ message }) => message.startsWith('The MQTT server was away'))).toHaveLength(
      1,
    );
  });

  it('gets what was on its way when it was cut off again, in order', async () => {
    const mosquitto = await startMosquitto();
    const subscriber = await subscribe(mosquitto.url, TELEMETRY);
    await mosquitto.stop();
    const world = await startWorld({ url: mosquitto.url });
    await world.samples(DEVICES, 1, 8000);
    for (let cut = 0; cut < 3; cut += 1) {
      await mosquitto.start();
      const { sent } = world.bridge.status();
      await world.until((status) => status.sent > sent + 500 || status.backlog.bytes === 0);
      await mosquitto.stop();
      await world.until(({ state }) => state !== 'connected');
    }
    await mosquitto.start();
    await world.drained();
    const ledger = new Ledger(subscriber);
    await ledger.complete(DEVICES, 8000);
    expect(ledger.disorder()).toEqual([]);
    const { sent, repeated } = world.bridge.status();
    expect(sent).toBe(40_000);
    expect(ledger.copies()).toBeLessThanOrEqual(sent + repeated);
    // One statement; another one for each cut that came when everything had gone.
    const stated = (what: 'sent' | 'repeated') =>
      world.statements.reduce((sum, statement) => sum + statement[what], 0);
    expect([stated('sent'), stated('repeated')]).toEqual([sent, repeated]);
  });

  it('that answers no more is left, though its sockets stay open', async () => {
    const mosquitto = await startMosquitto();
    const world = await startWorld({ url: mosquitto.url, ackSeconds: 1 });
    await world.until(({ state }) => state === 'connected');
    mosquitto.freeze();
    await world.samples(DEVICES, 1, 20);
    const { lastError } = await world.until(({ state }) => state !== 'connected');
    expect(lastError?.message).toContain('acknowledged nothing for 1 s');
    mosquitto.thaw();
    await world.drained();
    expect(world.bridge.status().sent).toBe(100);
  });
});

requires('mosquitto')('a broker that was stopped while the server was away', () => {
  it('goes on where the server stands', async () => {
    const mosquitto = await startMosquitto();
    const subscriber = await subscribe(mosquitto.url, TELEMETRY);
    const folder = temporaryFolder();
    const first = await startWorld({ url: mosquitto.url }, { folder });
    await first.until(({ state }) => state === 'connected');
    await first.samples(DEVICES, 1, 100);
    await first.drained();
    await mosquitto.stop();
    await first.samples(DEVICES, 101, 1000);
    await first.stop();
    const second = await startWorld({ url: mosquitto.url }, { folder });
    await mosquitto.start();
    await second.drained();
    const ledger = new Ledger(subscriber);
    await ledger.complete(DEVICES, 1000);
    expect(ledger.disorder()).toEqual([]);
    expect(ledger.copies()).toBe(5000);
    expect(second.statements).toMatchObject([{ sent: 4500, repeated: 0 }]);
  });

  it('counts what the log could not keep for the server', async () => {
    const mosquitto = await startMosquitto();
    const subscriber = await subscribe(mosquitto.url, TELEMETRY);
    const world = await startWorld({ url: mosquitto.url }, { retentionBytes: 2_097_152 });
    await world.until(({ state }) => state === 'connected');
    await mosquitto.stop();
    await world.until(({ state }) => state !== 'connected');
    const filling = { text: 'x'.repeat(4000) };
    for (let part = 0; part < 40; part += 1)
      await world.samples(DEVICES, part * 100 + 1, part * 100 + 100, filling);
    const { lostBytes } = await world.until((status) => status.lostBytes > 0);
    expect(lostBytes).toBeGreaterThan(1_000_000);
    await mosquitto.start();
    await world.drained();
    const ledger = new Ledger(subscriber);
    await ledger.reached('a', 4000);
    expect(ledger.disorder()).toEqual([]);
    expect(world.statements[0]?.lostBytes).toBe(world.bridge.status().lostBytes);
  });
});
