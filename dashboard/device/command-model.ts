/**
 * Commands as the page of a device shows them, without the page: their steps in words, which of them are known and in what
 * order, and the form's fields as a request. Pure, but for the ids, which are random, and the commands that are known.
 */
import type { CommandStepView, CommandView, NewCommand } from '../../schemas/api.ts';
import { parseDuration } from '../../schemas/durations.ts';
import { duration, localTimes } from '../format.ts';
import { parseJson, shortJson } from '../json-text.ts';

const FINAL: ReadonlySet<CommandView['status']> = new Set([
  'done',
  'failed',
  'rejected',
  'expired',
  'cancelled',
]);

export function isFinal({ status }: CommandView): boolean {
  return FINAL.has(status);
}

/**
 * Commands of one device, newest first, from two sources that may cross: the list of the HTTP API and the live
 * channel. Owns at most `limit` of them.
 */
export class CommandHistory {
  private readonly byId = new Map<string, CommandView>();
  private limit: number;
  private sorted: readonly CommandView[] = [];

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Newest first. */
  get all(): readonly CommandView[] {
    return this.sorted;
  }

  /** How many are kept. */
  get capacity(): number {
    return this.limit;
  }

  /** Makes room for older ones, which the caller then adds. */
  grow(limit: number): void {
    this.limit = Math.max(this.limit, limit);
  }

  /** An older form than the known one changes nothing. */
  add(commands: readonly CommandView[]): void {
    for (const command of commands) {
      const known = this.byId.get(command.id);
      if (!known || !isOlder(command, known)) this.byId.set(command.id, command);
    }
    this.sort();
  }

  clear(): void {
    this.byId.clear();
    this.sorted = [];
  }

  private sort(): void {
    const all = [...this.byId.values()].sort((a, b) => b.createdAt - a.createdAt);
    for (const { id } of all.splice(this.limit)) this.byId.delete(id);
    this.sorted = all;
  }
}

/** A timeline only grows, but for the last progress of a very long one, which is replaced. */
function isOlder({ timeline: one }: CommandView, { timeline: other }: CommandView): boolean {
  if (one.length !== other.length) return one.length < other.length;
  return (one.at(-1)?.at ?? 0) < (other.at(-1)?.at ?? 0);
}

export interface CommandFields {
  readonly name: string;
  readonly args: string;
  readonly ttl: string;
  readonly supersede: string;
}

export type ReadRequest =
  | { readonly request: NewCommand }
  | { readonly field: keyof CommandFields; readonly problem: string };

const NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/;

/** Fields that are left empty are left out, which means the broker's defaults. */
export function readRequest(fields: CommandFields): ReadRequest {
  const name = fields.name.trim();
  if (!NAME.test(name)) {
    const problem = 'A name is letters, digits, _, . and -, 64 at most, and begins with a letter or _.';
    return { field: 'name', problem: name === '' ? 'Say what the device should do.' : problem };
  }
  const args = parseJson(fields.args);
  if ('problem' in args) return { field: 'args', problem: args.problem };
  const ttl = readSeconds(fields.ttl);
  if (Number.isNaN(ttl))
    return { field: 'ttl', problem: 'Write seconds, or a time such as 60s, 10m, 2h or 1d.' };
  const supersede = fields.supersede.trim();
  if (supersede.length > 64) return { field: 'supersede', problem: 'The word has 64 characters at most.' };
  return {
    request: {
      name,
      ...(args.value !== null && { args: args.value }),
      ...(ttl !== null && { ttl }),
      ...(supersede !== '' && { supersede }),
    },
  };
}

/** null: nothing was said; NaN: it cannot be read. */
function readSeconds(text: string): number | null {
  if (text.trim() === '') return null;
  return (parseDuration(text, 's') ?? Number.NaN) / 1000;
}

/**
 * Gives a request its id. After an attempt whose outcome is not known, the same request gets the same id, so that sending
 * it again cannot make a second command. Owns the attempt that is open.
 */
export class Attempts {
  private open: { readonly text: string; readonly id: string } | null = null;

  idFor(request: NewCommand): string {
    const text = JSON.stringify(request);
    if (this.open?.text !== text) this.open = { text, id: randomId() };
    return this.open.id;
  }

  /** The broker has answered, whatever it said. */
  settled(): void {
    this.open = null;
  }
}

/** 72 bits. `crypto.randomUUID` is missing where the page comes over plain HTTP from another machine. */
function randomId(): string {
  const text = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(9))));
  return text.replaceAll('+', '-').replaceAll('/', '_');
}

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

/** `written` is never shown as if the device had it (P-5.1): only the device's own word says that. */
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
