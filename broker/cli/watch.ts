/** Runs `signalbox watch [TOPIC]`: prints live updates in the terminal, over `/v1/live`. */
import { Command } from 'commander';
import type { CommandView as DeviceCommand } from '../../schemas/api/commands.ts';
import type {
  LiveDocuments,
  LiveEvent,
  LiveState,
  LiveUpdate,
  ServerMessage,
  Transition,
} from '../../schemas/live.ts';
import { stepDetails } from './command-text.ts';
import { type AddressOptions, brokerAddress, withAddress } from './http.ts';
import { followTopic, waitAgain } from './live.ts';
import { CliError, clockTime, moment, printable, shown } from './output.ts';

/** Names of a difference that are printed; there may be thousands. */
const NAMES = 5;

export function watchCommand(): Command {
  return withAddress(new Command('watch'))
    .description('Live updates: presence, values, events, commands and desired state. Ends with Ctrl-C.')
    .argument('[topic]', 'customer/device; either part may be +', '+/+')
    .action(async (topic: string, options: AddressOptions) => {
      if (topic.split('/').length !== 2) {
        throw new CliError(
          `"${topic}" is not a topic: CUSTOMER/DEVICE, either part may be +, such as acme/+.`,
          2,
        );
      }
      const message = options.json ? printJson : printLines;
      await followTopic(brokerAddress(options), topic, { message, lost: waitAgain });
    });
}

/** One message a line. */
function printJson(message: ServerMessage): void {
  console.log(JSON.stringify(message));
}

function printLines(message: ServerMessage): void {
  for (const line of linesOf(message)) console.log(line);
}

/** What people see of a message; stats they don't. */
export function linesOf(message: ServerMessage): string[] {
  if (message.type === 'snapshot') return message.devices.map(stateLine);
  if (message.type === 'update') return message.devices.flatMap(updateLine);
  if (message.type === 'presence') return message.devices.map(presenceLine);
  if (message.type === 'event') return message.events.map(eventLine);
  if (message.type === 'command') return message.commands.map(commandLine);
  if (message.type === 'desired') return message.devices.map(desiredLine);
  return message.type === 'error' ? [`${''.padEnd(13)}  ${printable(message.message)}`] : [];
}

function stateLine({ device, online, reason, since, asleep, lastDataAt, values }: LiveState): string {
  const away = asleep ? sleepText(asleep) : `offline since ${moment(since)}`;
  const state = online ? 'online' : `${away}${reason === null || asleep ? '' : ` (${reason})`}`;
  return line(lastDataAt ?? since, device, `${state}  ${pairs(values)}`.trimEnd());
}

/** An event that came makes an update without values; its own line follows. */
function updateLine({ device, values, lastDataAt }: LiveUpdate): string[] {
  return Object.keys(values).length === 0 ? [] : [line(lastDataAt, device, pairs(values))];
}

function presenceLine(change: Transition | { readonly device: string; readonly forgotten: true }): string {
  if ('forgotten' in change) return line(null, change.device, 'forgotten');
  const { since, device, online, reason, asleep } = change;
  const away = asleep ? sleepText(asleep) : `offline (${reason ?? 'unknown'})`;
  return line(since, device, online ? 'online' : away);
}

/** P-7.5. */
function sleepText({ until }: NonNullable<LiveState['asleep']>): string {
  return until === null ? 'asleep' : `asleep until ${moment(until)}`;
}

function eventLine({ time, device, severity, name, data }: LiveEvent): string {
  return line(time, device, `event ${name} severity ${severity}${data === null ? '' : ` ${shown(data)}`}`);
}

/** Its newest step. */
function commandLine({ device, name, id, timeline }: DeviceCommand): string {
  const step = timeline.at(-1);
  if (!step) return line(null, device, `command ${name} ${id}`);
  return line(step.at, device, `command ${name} ${id} ${step.status}  ${stepDetails(step)}`.trimEnd());
}

/** Where the two stand; the documents themselves are in `signalbox desired`. */
function desiredLine(documents: LiveDocuments): string {
  const { device } = documents;
  if ('tooLarge' in documents)
    return line(null, device, 'desired or reported state changed, too large to be told');
  const { desired, reported, difference, inSync } = documents;
  const at = Math.max(desired?.at ?? 0, reported?.at ?? 0);
  const versions = `desired ${versionText(desired)}, reported ${versionText(reported)}`;
  return line(at, device, `${versions}${inSync ? '' : `, differs in ${namesText(Object.keys(difference))}`}`);
}

function namesText(names: readonly string[]): string {
  const more = names.length - NAMES;
  return more > 0 ? `${names.slice(0, NAMES).join(', ')} and ${more} more` : names.join(', ');
}

function versionText(document: { readonly version: number } | null): string {
  return document ? `version ${document.version}` : 'nothing';
}

function pairs(values: LiveUpdate['values']): string {
  return Object.entries(values)
    .map(([name, { value }]) => `${name}=${shown(value)}`)
    .join(' ');
}

/** Times are UTC. */
function line(at: number | null, device: string, text: string): string {
  return `${clockTime(at).padEnd(13)}  ${device.padEnd(24)} ${printable(text)}`;
}
