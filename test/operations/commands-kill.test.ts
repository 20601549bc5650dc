/**
 * A thousand commands to two hundred simulated devices whose connections are cut at random, while the broker is killed
 * with `kill -9` ten times: each has one end, its timeline says why, and no device carries anything out twice.
 */
import { expect, it } from 'vitest';
import { seeded } from '../../device-sim/random.ts';
import { simulate } from '../../device-sim/run.ts';
import type { CommandView } from '../../schemas/api/commands.ts';
import { type BrokerProcess, startProcess } from '../helpers/broker-process.ts';
import { eventually } from '../helpers/eventually.ts';
import { hastyClock } from '../helpers/hasty.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { UnreliableProxy } from '../helpers/unreliable-proxy.ts';

const KILLS = 10;
const DEVICES = 200;
const COMMANDS = 1000;
const FINAL = ['done', 'failed', 'rejected', 'expired', 'cancelled'];
const env = {
  SIGNALBOX_COMMANDS_ACCEPTANCE_SECONDS: '2',
  SIGNALBOX_LIMITS_HANDSHAKES_PER_SECOND: '10000',
};
/** Devices wait a twentieth of what they should before they come back, so that the test takes a minute and not twenty. */
const hasty = hastyClock(20);

/** Asks for commands until all of them have an answer; the broker may be killed meanwhile. */
class Operator {
  /** Ids that the broker has answered for. */
  readonly asked = new Set<string>();
  private readonly devices: readonly string[];
  private next = 0;

  constructor(devices: readonly string[]) {
    this.devices = devices;
  }

  /** Sends up to `count` more, one after the other, until the broker is gone. */
  async ask(broker: BrokerProcess, count: number, answered: () => void): Promise<void> {
    for (let left = count; left > 0 && this.next < COMMANDS; left -= 1) {
      const taken = await this.askOne(broker, this.next);
      if (!taken) return;
      this.next += 1;
      answered();
    }
  }

  /** false: nobody answered, and nobody knows whether it was taken; the same id is asked for again. */
  private async askOne(broker: BrokerProcess, number: number): Promise<boolean> {
    const id = `order-${number}`;
    const device = this.devices[(number * 7) % this.devices.length];
    const ttl = [5, 10, 20, 30][number % 4];
    const body = { id, name: 'identify', ttl };
    try {
      const command = await broker.api<CommandView>(`/devices/acme/${device}/commands`, body);
      expect(command.id).toBe(id);
      this.asked.add(id);
      return true;
    } catch (error) {
      if (error instanceof TypeError) return false;
      throw error;
    }
  }
}

/** One life of the broker: commands are asked for and connections cut, until it is killed. */
async function roundUntilKill(
  broker: BrokerProcess,
  { operator, proxy, random }: { operator: Operator; proxy: UnreliableProxy; random: () => number },
): Promise<void> {
  const killAfter = 20 + Math.floor(random() * 80);
  let answers = 0;
  let killed: Promise<void> | null = null;
  proxy.leadTo(broker.url);
  await eventually(() => expect(proxy.size).toBeGreaterThan(DEVICES / 2), { interval: 20 });
  await operator.ask(broker, COMMANDS / KILLS, () => {
    answers += 1;
    if (answers % 10 === 0) proxy.cut(() => random() < 0.2);
    if (answers === killAfter) killed = broker.kill();
  });
  proxy.leadTo(null);
  await (killed ?? broker.kill());
}

it('ends every command once, whoever is killed or cut', { timeout: 900_000 }, async () => {
  const data = temporaryFolder();
  const proxy = new UnreliableProxy();
  const url = await proxy.start();
  const random = seeded(3);
  const first = await startProcess({ data, env });
  const executed = new Map<string, number>();
  const fleet = simulate({
    url,
    keys: [{ customer: 'acme', key: await first.deviceKey('acme') }],
    devices: DEVICES,
    rate: 0.5,
    connectsPerSecond: 1000,
    commands: { latency: [20, 400], failures: 0.1, silence: 0.05 },
    onExecuted: (device, id) => executed.set(`${device} ${id}`, (executed.get(`${device} ${id}`) ?? 0) + 1),
    clock: hasty,
    drain: 0,
  });
  proxy.leadTo(first.url);
  fleet.start();
  const names = async () => (await first.api<{ items: { id: string }[] }>('/devices?limit=1000')).items;
  await eventually(async () => expect(await names()).toHaveLength(DEVICES), {
    interval: 50,
  });
  const operator = new Operator((await names()).map(({ id }) => id));
  await roundUntilKill(first, { operator, proxy, random });
  for (let kill = 2; kill <= KILLS; kill += 1) {
    await roundUntilKill(await startProcess({ data, env }), { operator, proxy, random });
  }

  const last = await startProcess({ data, env });
  proxy.leadTo(last.url);
  await operator.ask(last, COMMANDS, () => {});
  expect(operator.asked.size).toBe(COMMANDS);
  const waiting = async () =>
    (await last.api<{ broker: { commands: { waiting: number } } }>('/stats')).broker.commands.waiting;
  await eventually(async () => expect(await waiting()).toBe(0), { timeout: 300_000, interval: 200 });
  const ends = await Promise.all([...operator.asked].map((id) => last.api<CommandView>(`/commands/${id}`)));
  await fleet.stop();
  expect(await last.stop()).toBe(0);

  for (const command of ends) {
    const finals = command.timeline.filter(({ status, late }) => FINAL.includes(status) && !late);
    expect(finals, command.id).toHaveLength(1);
    expect(finals[0]).toMatchObject({ status: command.status });
    // It says who ended it: the device over a connection, or the broker with a reason.
    expect(finals[0]?.session ?? finals[0]?.reason, command.id).toMatch(/./);
    expect(command.attempts, command.id).toBeLessThanOrEqual(5);
    if (command.status === 'done')
      expect(executed.get(`${command.device} ${command.id}`), command.id).toBe(1);
  }
  expect([...executed].filter(([, times]) => times > 1)).toEqual([]);
  const counts = Object.fromEntries(
    FINAL.map((end) => [end, ends.filter(({ status }) => status === end).length]),
  );
  expect(counts.done).toBeGreaterThan(COMMANDS / 2);
  process.stdout.write(`${KILLS} kills, ${executed.size} carried out: ${JSON.stringify(counts)}\n`);
});
