/** `signalbox watch [TOPIC]`: live updates in the terminal, over `/v1/live`. */
import { Command } from 'commander';
import WebSocket from 'ws';
import type { LiveEvent, LiveUpdate, ServerMessage, Transition } from '../../schemas/live.ts';
import { type Connection, type ConnectionOptions, connection, withConnection } from './connection.ts';
import { CliError, shown } from './output.ts';

/** Time between tries when a connection that had been open is lost; ms. */
const RECONNECT = 2000;

export function watchCommand(): Command {
  return withConnection(new Command('watch'))
    .description('Live updates: presence, values and events. Ends with Ctrl-C.')
    .argument('[topic]', 'customer/device; either part may be +', '+/+')
    .action(async (topic: string, options: ConnectionOptions) => {
      const to = connection(options);
      const print = options.json ? printRaw : printMessage;
      await follow(to, topic, print);
      for (;;) {
        console.error(`The connection was lost; trying again in ${RECONNECT / 1000} s.`);
        await new Promise<void>((resolve) => setTimeout(resolve, RECONNECT));
        await follow(to, topic, print).catch((error: unknown) => console.error(String(error)));
      }
    });
}

/** Resolves when an open connection ends; rejects with CliError if none could be opened or the topic is refused. */
function follow({ url, key }: Connection, topic: string, print: (text: string) => void): Promise<void> {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/v1/live`, { headers: { 'X-API-Key': key } });
  return new Promise((resolve, reject) => {
    socket.on('open', () => socket.send(JSON.stringify({ type: 'subscribe', id: 1, topic })));
    socket.on('message', (data) => {
      const text = String(data);
      const message = JSON.parse(text) as ServerMessage;
      if (message.type !== 'error') return print(text);
      reject(new CliError(`${topic}: ${message.message}`));
      socket.close();
    });
    socket.on('unexpected-response', (_request, response) => {
      reject(
        new CliError(`The broker refused with ${response.statusCode}; is the key valid and no device's?`),
      );
      socket.terminate();
    });
    socket.on('error', (error) =>
      reject(new CliError(`No broker answers at ${url} (${error.message}). Is it running?`)),
    );
    socket.on('close', () => resolve());
  });
}

function printRaw(text: string): void {
  console.log(text);
}

function printMessage(text: string): void {
  const message = JSON.parse(text) as ServerMessage;
  if (message.type === 'snapshot' || message.type === 'update') message.devices.forEach(printValues);
  else if (message.type === 'presence') message.devices.forEach(printPresence);
  else if (message.type === 'event') message.events.forEach(printEvent);
}

function printValues({ device, values, lastDataAt }: LiveUpdate): void {
  const pairs = Object.entries(values).map(([name, { value }]) => `${name}=${shown(value)}`);
  if (pairs.length > 0) line(lastDataAt, device, pairs.join(' '));
}

function printPresence(change: Transition | { readonly device: string; readonly forgotten: true }): void {
  if ('forgotten' in change) line(null, change.device, 'forgotten');
  else
    line(change.since, change.device, change.online ? 'online' : `offline (${change.reason ?? 'unknown'})`);
}

function printEvent({ time, device, severity, name, data }: LiveEvent): void {
  line(time, device, `event ${name} severity ${severity}${data === null ? '' : ` ${shown(data)}`}`);
}

function line(at: number | null, device: string, text: string): void {
  const clock = at === null ? '--:--:--.---' : new Date(at).toISOString().slice(11, 23);
  console.log(`${clock}  ${device.padEnd(24)} ${text}`);
}
