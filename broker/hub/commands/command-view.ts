/** How a command looks in JSON, everywhere: HTTP API, live channel, bridge. Pure. */
import type { Command as CommandBody, CommandStep as StepBody } from '../../../schemas/api/commands.ts';
import { jsonValue } from '../json-value.ts';
import type { Command, CommandStep } from './command.ts';

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
