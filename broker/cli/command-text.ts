/** Puts commands into words, for a terminal. Pure. */
import type { CommandStepView, CommandView } from '../../schemas/api/commands.ts';
import { clockTime, moment, printable, shown } from './output.ts';

/** The steps from index `from` on, a line each; the newest says what the command waits for. */
export function stepLines({ timeline, waitingFor }: CommandView, from = 0): string[] {
  return timeline.slice(from).map((step, index) => {
    const isNewest = from + index === timeline.length - 1;
    const details = [stepDetails(step), ...(isNewest && waitingFor !== undefined ? [waitingFor] : [])];
    const text = details.filter((detail) => detail !== '').join('; ');
    return printable(`${clockTime(step.at)}  ${step.status.padEnd(9)}  ${text}`.trimEnd());
  });
}

/** What else is known of a step; may be empty. */
export function stepDetails({ attempt, session, reason, data, by, late }: CommandStepView): string {
  const parts = [
    ...(attempt === undefined ? [] : [`attempt ${attempt}`]),
    ...(session === undefined ? [] : [`session ${session}`]),
    ...(by === undefined ? [] : [`by ${by}`]),
    ...(late === undefined ? [] : ['late, it changed nothing']),
    ...(reason === undefined ? [] : [reason]),
    ...(data === undefined || data === null ? [] : [shown(data)]),
  ];
  return parts.join(', ');
}

/** Everything about one command. */
export function commandText(command: CommandView): string {
  const lines: readonly (readonly [string, string])[] = [
    ['command', command.id],
    ['device', command.device],
    ['name', command.name],
    ['args', shown(command.args)],
    ['status', command.status],
    ['by', command.by],
    ['expires', moment(command.expiresAt)],
    ...(command.job === undefined ? [] : [['job', command.job] as const]),
    ...(command.supersede === undefined ? [] : [['supersede', command.supersede] as const]),
    ...(command.result === undefined ? [] : [['result', shown(command.result)] as const]),
  ];
  const head = lines.map(([name, value]) => `${name.padEnd(10)} ${printable(value)}`);
  return [...head, '', ...stepLines(command)].join('\n');
}

/** What a list has room for: what it waits for, else what the device said, else why it ended so. */
export function inShort(command: CommandView): string {
  const { waitingFor, result } = command;
  return waitingFor ?? (result === undefined ? (end(command)?.reason ?? '-') : shown(result));
}

/** Its newest step that counts. */
function end({ timeline }: CommandView): CommandStepView | undefined {
  return timeline.findLast(({ late }) => !late);
}

/** Why it ended as it did, in a line; for a command that is final. */
export function ending(command: CommandView): string {
  const { id, device, status } = command;
  const last = end(command);
  const details = last ? stepDetails(last) : '';
  return printable(`Command ${id} for ${device}: ${status}${details === '' ? '' : ` (${details})`}`);
}
