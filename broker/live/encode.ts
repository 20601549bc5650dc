/**
 * Writes live messages as JSON (schemas/live.ts), and reads those of a client. A message is joined of fragments, which
 * are text and no objects, for this is the hot path: names and ids need no escaping (P-1.4), and numbers, which most
 * values are, need no `JSON.stringify`. Pure.
 */
import { Compile } from 'typebox/compile';
import type { Stats } from '../../schemas/api.ts';
import {
  type ClientMessage,
  ClientMessageSchema,
  LIVE_ERRORS,
  type LiveErrorCode,
} from '../../schemas/live.ts';
import { type Command, commandView } from '../hub/commands/command.ts';
import type { DesiredStates } from '../hub/desired/desired-states.ts';
import type { Device, Presence } from '../hub/fleet/device.ts';
import type { DeviceEvent } from '../hub/fleet/events.ts';
import { toJson } from '../hub/json.ts';
import type { Value } from '../wire/frames.ts';

/** Gathers fragments into one message of about a given size, so that no message is long. */
export class MessagePage {
  private readonly limit: number;
  private fragments: string[] = [];
  private characters = 0;

  /** `limit`: characters; the fragment that reaches it is still taken. */
  constructor(limit: number) {
    this.limit = limit;
  }

  add(fragment: string): void {
    this.fragments.push(fragment);
    this.characters += fragment.length;
  }

  get full(): boolean {
    return this.characters >= this.limit;
  }

  get empty(): boolean {
    return this.fragments.length === 0;
  }

  /** The message, in UTF-8, and an empty page. `head`: its members before the list, which is called `list`. */
  finish(head: string, list: 'devices' | 'events' | 'commands'): Buffer {
    const message = Buffer.from(`{${head},"${list}":[${this.fragments.join(',')}]}`);
    this.fragments = [];
    this.characters = 0;
    return message;
  }
}

const client = Compile(ClientMessageSchema);

/** null if it is not JSON or breaks the schema. */
export function readClientMessage(text: string): ClientMessage | null {
  const parsed = parseJson(text);
  return client.Check(parsed) ? parsed : null;
}

export function errorMessage(rev: number, code: LiveErrorCode, id?: number): Buffer {
  return Buffer.from(JSON.stringify({ type: 'error', rev, code, message: LIVE_ERRORS[code], id }));
}

export function statsMessage(rev: number, stats: Stats): Buffer {
  return Buffer.from(JSON.stringify({ type: 'stats', rev, stats }));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON; the schema refuses undefined.
    return undefined;
  }
}

/** A device whose values are longer than this is told in several fragments, which the client merges. */
const FRAGMENT_CHARACTERS = 32_768;
/** A command that is longer than this, for its device says very much, is told without what the device said. */
const COMMAND_CHARACTERS = 131_072;

/** A device whole: what a snapshot holds of it. Without `values` only who and how fresh it is. */
export function* stateFragments(device: Device, withValues: boolean): Generator<string> {
  const head = `{${connection(device.name, device.presence)},${freshness(device)}`;
  if (withValues) yield* splitValues(head, device, 0);
  else yield `${head},"values":{}}`;
}

/** The values that came after `since`; nothing if only its presence changed, which is told apart. */
export function* updateFragments(device: Device, since: number): Generator<string> {
  if (device.rev <= since) return;
  yield* splitValues(`{"device":"${device.name}",${freshness(device)}`, device, since);
}

export function presenceFragment(device: Device): string {
  const { name, presence } = device;
  return `{${connection(name, presence)},${freshness(device)},"rev":${presence.rev}}`;
}

export function forgottenFragment(name: string, rev: number): string {
  return `{"device":"${name}","forgotten":true,"rev":${rev}}`;
}

export function eventFragment(device: Device, event: DeviceEvent): string {
  const { rev, time, receivedAt, severity, name, data } = event;
  return `{"device":"${device.name}","rev":${rev},"time":${time},"receivedAt":${receivedAt},"severity":${severity},"name":"${name}","data":${json(data)}}`;
}

/** A command whole, as in the HTTP API. */
export function commandFragment(command: Command, waitingFor: string | null): string {
  const view = commandView(command, waitingFor);
  const whole = JSON.stringify(view);
  if (whole.length <= COMMAND_CHARACTERS) return whole;
  const { result: _, timeline, ...facts } = view;
  return JSON.stringify({ ...facts, timeline: timeline.map(({ data: __, ...step }) => step) });
}

/** The documents of a device, as in the HTTP API. */
export function documentsFragment(device: Device, desired: Pick<DesiredStates, 'view'>): string {
  return JSON.stringify(desired.view(device));
}

/** Instead of documents that are too much to be told. */
export function tooLargeFragment(name: string): string {
  return `{"device":"${name}","tooLarge":true}`;
}

function* splitValues(head: string, device: Device, since: number): Generator<string> {
  let values = '';
  let fragments = 0;
  for (const metric of device.metrics.changedSince(since)) {
    if (values.length > FRAGMENT_CHARACTERS) {
      yield `${head},"values":{${values}}}`;
      fragments += 1;
      values = '';
    }
    values += `${values === '' ? '' : ','}"${metric.name}":{"value":${json(metric.value)},"at":${metric.at},"receivedAt":${metric.receivedAt}}`;
  }
  const presenceOnly = since > 0 && device.rev === device.presence.rev;
  if (values !== '' || (fragments === 0 && !presenceOnly)) yield `${head},"values":{${values}}}`;
}

function connection(name: string, { state, since, session, reason, asleep }: Presence): string {
  const online = state === 'online';
  return `"device":"${name}","online":${online},"connectedAt":${online ? since : 'null'},"since":${since || 'null'},"session":${text(session)},"reason":${text(reason)}${asleep ? `,"asleep":${JSON.stringify(asleep)}` : ''}`;
}

function freshness(device: Device): string {
  return `"lastSeenAt":${device.lastSeenAt || 'null'},"lastDataAt":${device.lastDataAt || 'null'},"clock":"${device.clock}"`;
}

function text(value: string | null): string {
  return value === null ? 'null' : JSON.stringify(value);
}

function json(value: Value): string {
  return typeof value === 'number' ? String(value) : JSON.stringify(toJson(value));
}
