/**
 * A command as the broker knows it (P-5): what was asked of which device, where it stands, and every step on the way; its
 * row in the store, and its view in JSON, the same in HTTP API, live channel and bridge. A command is never changed: a step
 * gives a new one (`life.ts`). Pure.
 */

import type { CommandStepView, CommandView } from '../../../schemas/api/commands.ts';
import type { CommandRow } from '../../store/command-ports.ts';
import type { Position } from '../../store/position.ts';
import { decode, encode } from '../../wire/cbor.ts';
import type { Value } from '../../wire/frames.ts';
import { toJson } from '../json.ts';

/** Raise it when the meaning of a member changes; `readCommand` refuses what it does not know. */
const VERSION = 1;

type StoredCommand = Pick<
  Command,
  'name' | 'args' | 'ttl' | 'expiresAt' | 'attempts' | 'supersede' | 'by' | 'reply' | 'timeline' | 'result'
> & { readonly version: number };

/** `position`: results before it in the telemetry log are in the command. */
export function writeCommand(command: Command, position: Position): CommandRow {
  const { customer, device, id, number, status, createdAt, endedAt, job, ...rest } = command;
  const body: StoredCommand = { version: VERSION, ...rest };
  return { customer, device, id, number, status, createdAt, endedAt, job, position, body: encode(body) };
}

export function readCommand(row: CommandRow): Command {
  const { customer, device, id, number, createdAt, endedAt, job } = row;
  const { version, ...rest } = decode(row.body) as StoredCommand;
  if (version !== VERSION) {
    throw new Error(`The stored command ${customer}/${id} has version ${version}, not ${VERSION}.`);
  }
  const status = row.status as CommandStatus;
  return { customer, device, id, number, status, createdAt, endedAt, job, ...rest };
}

/** `waitingFor`: what it waits for, in a sentence; null: it does not. */
export function commandView(command: Command, waitingFor: string | null): CommandView {
  const { customer, device, args, job, supersede, result, timeline } = command;
  return {
    id: command.id,
    device: `${customer}/${device}`,
    name: command.name,
    args: toJson(args),
    status: command.status,
    createdAt: command.createdAt,
    expiresAt: command.expiresAt,
    endedAt: command.endedAt,
    attempts: command.attempts,
    ...(waitingFor !== null && { waitingFor }),
    ...(result !== undefined && { result: toJson(result) }),
    by: command.by,
    ...(job !== null && { job }),
    ...(supersede !== null && { supersede }),
    timeline: timeline.map(stepView),
  };
}

function stepView({ data, ...step }: CommandStep): CommandStepView {
  return { ...step, ...(data !== undefined && { data: toJson(data) }) };
}

/** P-5.1, in the order of a life. */
export const COMMAND_STATUSES = [
  'queued',
  'written',
  'accepted',
  'progress',
  'done',
  'failed',
  'rejected',
  'expired',
  'cancelled',
] as const;
export type CommandStatus = (typeof COMMAND_STATUSES)[number];

const FINAL_STATUSES = ['done', 'failed', 'rejected', 'expired', 'cancelled'] as const;
export type FinalStatus = (typeof FINAL_STATUSES)[number];

/** One step of a command's timeline; what does not apply is left out. */
export interface CommandStep {
  readonly status: CommandStatus;
  /** Unix ms. */
  readonly at: number;
  /** `written`: the connection that the bytes went to. A result: the one that it came from. */
  readonly session?: string;
  /** `written`: from 1. */
  readonly attempt?: number;
  /** Why, in a sentence; for steps that the broker or a person took, and where the broker left something out. */
  readonly reason?: string;
  /** What the device said with its result. */
  readonly data?: Value;
  /** `queued`, `cancelled`: the key that asked. */
  readonly by?: string;
  /** A result that came after the end; it changed nothing. */
  readonly late?: true;
}

/** Where the sender waits for the end of a command, beside the places that everybody can look at. */
export interface ReplyAddress {
  /** An MQTT topic. */
  readonly topic: string;
  /** Sent back as it came; null: there was none. */
  readonly correlation: Uint8Array | null;
}

export interface Command {
  readonly customer: string;
  /** The device's id. */
  readonly device: string;
  /** Unique within the customer. */
  readonly id: string;
  /** The order of creation, over restarts. */
  readonly number: number;
  readonly name: string;
  readonly args: Value;
  readonly status: CommandStatus;
  readonly createdAt: number;
  /** ms; 0: now or never (P-5.4): it is written once, to a device that is connected. */
  readonly ttl: number;
  /** When it must have a final result; for a ttl of 0 after the default ttl. Unix ms. */
  readonly expiresAt: number;
  /** How often it was written, or is about to be. */
  readonly attempts: number;
  /** A newer command of the device with the same word takes the place of a waiting one. */
  readonly supersede: string | null;
  readonly job: string | null;
  /** The key that asked; `mqtt` for the bridge. */
  readonly by: string;
  readonly reply: ReplyAddress | null;
  readonly timeline: readonly CommandStep[];
  /** When it ended; null: it has not. */
  readonly endedAt: number | null;
  /** What the device said with the result that ended it; absent: no such result. */
  readonly result?: Value;
}

export function isFinal(status: CommandStatus): status is FinalStatus {
  return (FINAL_STATUSES as readonly CommandStatus[]).includes(status);
}

/** What somebody asks for. */
export interface CommandRequest {
  readonly customer: string;
  readonly device: string;
  readonly name: string;
  readonly args: Value;
  /** ms; null: the configured default. 0: now or never (P-5.4). */
  readonly ttl: number | null;
  /** The caller's own id: asked for again, the same command answers. null: the broker makes one. */
  readonly id: string | null;
  readonly supersede: string | null;
  /** What happens when the device has its number of waiting commands. */
  readonly whenFull: 'refuse' | 'expire-oldest';
  readonly job: string | null;
  readonly by: string;
  /** An admin has a place even where the customer's own keys have taken all (shares.ts). Default: other. */
  readonly asker?: 'admin' | 'other';
  /** Left out: the sender waits nowhere else. */
  readonly reply?: ReplyAddress;
}

export interface IssuedCommand {
  readonly command: Command;
  /** false: this id was asked for before. */
  readonly created: boolean;
}

/** Called with the command after each of its steps. */
export type CommandListener = (command: Command) => void;
