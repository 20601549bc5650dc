/**
 * The broker as a process, with a sender in it that sends commands to the devices of the load at a steady rate and times
 * them: from the request until listeners hear of the committed result.
 */
import type { Command } from '../broker/hub/commands/command.ts';
import { type DurationSummary, Durations } from '../device-sim/durations.ts';
import { type BuiltBroker, startBuiltBroker } from './built-broker.ts';
import { answer } from './peer.ts';

export type CommandsRequest =
  | { readonly ask: 'ready' }
  /** Answered when the last command has its end. */
  | { readonly ask: 'issue'; readonly perSecond: number; readonly seconds: number; readonly devices: number }
  | { readonly ask: 'stop' };

export interface CommandsMark {
  readonly roundTrip: DurationSummary;
  /** Commands that did not end as done. */
  readonly notDone: number;
}

type Broker = BuiltBroker['broker'];

const request = (index: number, devices: number) => ({
  customer: 'bench',
  device: `d${index % devices}`,
  name: 'set-speed',
  args: { rpm: 1450 },
  ttl: 60_000,
  id: null,
  supersede: null,
  whenFull: 'refuse' as const,
  job: null,
  by: 'bench',
});

/** Sends what is due every millisecond. */
function issue(broker: Broker, { perSecond, seconds, devices }: CommandsRequest & { ask: 'issue' }) {
  const { commands } = broker.parts.control;
  const latencies = new Durations();
  const startedAt = new Map<string, number>();
  const total = perSecond * seconds;
  let sent = 0;
  let ended = 0;
  let notDone = 0;
  return new Promise<CommandsMark>((resolve, reject) => {
    const stepped = ({ id, endedAt, status, timeline }: Command) => {
      const start = startedAt.get(id);
      if (endedAt === null || start === undefined || timeline.at(-1)?.late) return;
      startedAt.delete(id);
      latencies.add(performance.now() - start);
      ended += 1;
      if (status !== 'done') notDone += 1;
      if (ended === total) {
        off();
        resolve({ roundTrip: latencies.collect(), notDone });
      }
    };
    const off = commands.onStep(stepped);
    const begin = performance.now();
    const timer = setInterval(() => {
      const due = Math.min(total, Math.floor(((performance.now() - begin) * perSecond) / 1000));
      for (; sent < due; sent += 1) {
        const id = `b${Math.round(begin)}-${sent}`;
        startedAt.set(id, performance.now());
        commands.issue({ ...request(sent, devices), id }).catch(reject);
      }
      if (sent === total) clearInterval(timer);
    }, 1);
  });
}

const running = startBuiltBroker(process.argv[2] as string);

answer<CommandsRequest>(async (request) => {
  const { broker, server } = await running;
  if (request.ask === 'ready') return { port: server.port, deviceKey: server.deviceKey };
  if (request.ask === 'issue') return issue(broker, request);
  await server.stop();
  return {};
});
