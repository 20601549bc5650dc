/** Commands as the HTTP API tells them, and what a wish for one becomes. Pure. */
import type { Command as CommandBody, CommandStep as StepBody } from '../../schemas/api.ts';
import type { Command, CommandStep } from '../hub/commands/command.ts';
import { jsonValue } from '../hub/json-value.ts';

/** `waitingFor`: what it waits for, in a sentence; null: it does not. */
export function commandView(command: Command, waitingFor: string | null): CommandBody {
  const { customer, device, args, job, supersede, result, timeline } = command;
  return {
    id: command.id,
    device: `${customer}/${device}`,
    name: command.name,
    args: jsonValue(args),
    status: command.status,
    createdAt: command.createdAt,
    expiresAt: command.expiresAt,
    endedAt: command.endedAt,
    attempts: command.attempts,
    ...(waitingFor !== null && { waitingFor }),
    ...(result !== undefined && { result: jsonValue(result) }),
    by: command.by,
    ...(job !== null && { job }),
    ...(supersede !== null && { supersede }),
    timeline: timeline.map(stepView),
  };
}

function stepView({ data, ...step }: CommandStep): StepBody {
  return { ...step, ...(data !== undefined && { data: jsonValue(data) }) };
}

/** The API counts a ttl in seconds, the hub in ms; null: the configured default. */
export function ttlOf(seconds: number | undefined): number | null {
  return seconds === undefined ? null : Math.round(seconds * 1000);
}
