/**
 * Commands in words. `written` is never shown as if the device had it (P-5.1): only the device's own word says that.
 * Pure.
 */
import type { CommandStepView, CommandView } from '../../schemas/api.ts';
import { duration, localTimes } from '../format.ts';
import { shortJson } from '../json-text.ts';

/** How it looks: nothing that the broker only hopes for looks like something that the device said. */
export type Tone = 'waiting' | 'unconfirmed' | 'running' | 'good' | 'bad' | 'over';

const STATUS: Readonly<Record<CommandView['status'], readonly [text: string, tone: Tone]>> = {
  queued: ['waiting', 'waiting'],
  written: ['sent, not confirmed', 'unconfirmed'],
  accepted: ['accepted', 'running'],
  progress: ['in progress', 'running'],
  done: ['done', 'good'],
  failed: ['failed', 'bad'],
  rejected: ['rejected', 'bad'],
  expired: ['expired', 'bad'],
  cancelled: ['cancelled', 'over'],
};

export function statusText(command: CommandView): string {
  const [text] = STATUS[command.status];
  const last = command.timeline.at(-1);
  const percent = command.status === 'progress' && last ? percentOf(last.data) : null;
  return percent === null ? text : `${text}, ${percent} %`;
}

/** A late step has no weight. */
export function toneOf({ status, late }: Pick<CommandStepView, 'status' | 'late'>): Tone {
  return late ? 'over' : STATUS[status][1];
}

/** What happened, in a sentence without its time. */
export function stepText(step: CommandStepView): string {
  const text = WORDS[step.status](step);
  const sentence = /[.!?]$/.test(text) ? text : `${text}.`;
  return step.late ? `Late: ${sentence} It came after the end and changed nothing.` : sentence;
}

const WORDS: Readonly<Record<CommandView['status'], (step: CommandStepView) => string>> = {
  queued: ({ by, reason }) =>
    because(by === undefined ? 'Stored' : `Stored, asked for by ${who(by)}`, reason),
  written: ({ attempt, reason }) =>
    because(
      `Sent${attempt === undefined ? '' : `, attempt ${attempt}`}; whether it arrived is not known`,
      reason,
    ),
  accepted: ({ data }) => said('The device has it and will do it', data),
  progress: ({ data }) => progress(data),
  done: ({ data }) => said('The device did it', data),
  failed: ({ session, data, reason }) =>
    session === undefined ? because('Failed', reason) : said('The device could not do it', data),
  rejected: ({ data }) => said('The device will not do it', data),
  expired: ({ reason }) => because('Expired', reason),
  cancelled: ({ by, reason }) => because(by === undefined ? 'Cancelled' : `Cancelled by ${who(by)}`, reason),
};

/** `mqtt`: the bridge; a browser and the API have a key. */
export function who(by: string): string {
  return by === 'mqtt' ? 'the MQTT bridge' : `key ${by}`;
}

/** How long after the command was asked for; nothing for what came at once. */
export function offset(milliseconds: number): string {
  if (milliseconds < 1) return '';
  if (milliseconds < 1000) return `+${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `+${(milliseconds / 1000).toFixed(1)} s`;
  return `+${duration(milliseconds)}`;
}

function because(text: string, reason: string | undefined): string {
  return reason === undefined ? text : `${text}: ${localTimes(reason)}`;
}

/** Devices give their reason as `{"reason": "a sentence"}` (P-5.3); anything else is shown as it is. */
function said(text: string, data: unknown): string {
  if (data === undefined || data === null) return text;
  const reason = onlyMember(data, 'reason');
  return `${text}: ${typeof reason === 'string' ? reason : shortJson(data)}`;
}

/** `{percent?, note?}` (P-5.3). */
function progress(data: unknown): string {
  const percent = percentOf(data);
  const note = isObject(data) && typeof data.note === 'string' ? data.note : null;
  if (percent === null && note === null) return said('The device is at it', data);
  return `The device is at it: ${[percent === null ? null : `${percent} %`, note].filter(Boolean).join(', ')}`;
}

function percentOf(data: unknown): number | null {
  return isObject(data) && typeof data.percent === 'number' ? Math.round(data.percent) : null;
}

function onlyMember(data: unknown, name: string): unknown {
  return isObject(data) && Object.keys(data).length === 1 ? data[name] : undefined;
}

function isObject(data: unknown): data is Readonly<Record<string, unknown>> {
  return typeof data === 'object' && data !== null && !Array.isArray(data);
}
