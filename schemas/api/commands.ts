/** Describes commands to one device, as the HTTP API takes and tells them (P-5). */
import Type from 'typebox';
import { TTL_TEXT } from '../durations.ts';
import { FORBIDDEN_NAMES, METRIC_NAME } from '../frames.ts';
import { closed, list, named, page, time, timeOrNull } from './common.ts';

export const COMMAND_STATUS_TEXTS = {
  queued: 'Stored; it waits for the device.',
  written: 'Its bytes left the broker. Whether they arrived is not known.',
  accepted: 'The device has it and says that it will do it.',
  progress: 'The device said how far it is.',
  done: 'The device did it.',
  failed: 'The device could not do it, or it never got it.',
  rejected: 'The device will not do it.',
  expired: 'Its ttl ran out before a final result.',
  cancelled: 'Somebody took it back, or a newer one took its place.',
} as const;
type Status = keyof typeof COMMAND_STATUS_TEXTS;
const STATUSES = Object.keys(COMMAND_STATUS_TEXTS) as Status[];

/** The caller's own id of a command. */
export const COMMAND_ID = '^[A-Za-z0-9_.:-]{1,64}$';

export const commandName = Type.String({
  description: 'What the device is asked to do (P-1.4).',
  pattern: METRIC_NAME,
  not: { enum: FORBIDDEN_NAMES },
});
export const commandArguments = Type.Unknown({ description: 'Any JSON; null if left out.' });
/** One schema with two types instead of a choice of two schemas, so that a refusal says what is wrong with it. */
export const commandTtl = Type.Unsafe<number | string>({
  type: ['number', 'string'],
  description:
    'How long it lives: seconds, or a text such as `60s`, `10m` or `2h`. 0: now or never. Left out: `commands.defaultTtlSeconds`.',
  minimum: 0,
  pattern: TTL_TEXT,
  examples: [60, '60s', 0],
});
export const supersede = Type.String({
  description: 'A word such as `valve`: a waiting command of the device with the same word is cancelled.',
  minLength: 1,
  maxLength: 64,
});

const Step = Type.Object({
  status: Type.Enum(STATUSES),
  at: time('When.'),
  session: Type.Optional(Type.String({ description: 'The connection that it went to, or came from.' })),
  attempt: Type.Optional(Type.Integer({ description: '`written`: the how manieth time.', minimum: 1 })),
  reason: Type.Optional(Type.String({ description: 'Why, in a sentence.' })),
  data: Type.Optional(Type.Unknown({ description: 'What the device said with its result, as JSON.' })),
  by: Type.Optional(Type.String({ description: 'The key that asked.' })),
  late: Type.Optional(Type.Literal(true, { description: 'It came after the end and changed nothing.' })),
});

export const CommandSchema = named(
  'Command',
  Type.Object({
    id: Type.String(),
    device: Type.String({ description: '`customer/id`' }),
    name: Type.String(),
    args: Type.Unknown(),
    status: Type.Enum(STATUSES),
    createdAt: time('When it was asked for.'),
    expiresAt: time('When its ttl ends.'),
    endedAt: timeOrNull('When it came to its end.'),
    attempts: Type.Integer({ description: 'How often it was written.', minimum: 0 }),
    waitingFor: Type.Optional(Type.String({ description: 'While it waits: what for.' })),
    result: Type.Optional(Type.Unknown({ description: 'What the device said at the end, as JSON.' })),
    by: Type.String({ description: 'The key that asked; `mqtt`: the bridge.' }),
    job: Type.Optional(Type.String({ description: 'The job that it belongs to.' })),
    supersede: Type.Optional(Type.String()),
    timeline: Type.Array(Step, { description: 'Every step, oldest first.' }),
  }),
);
export const CommandListSchema = list(CommandSchema);
export type CommandView = Type.Static<typeof CommandSchema>;
export type CommandStepView = Type.Static<typeof Step>;

export const NewCommandSchema = named(
  'NewCommand',
  Type.Object(
    {
      name: commandName,
      args: Type.Optional(commandArguments),
      ttl: Type.Optional(commandTtl),
      id: Type.Optional(
        Type.String({
          description: 'Your own id, unique within the customer: asked for again, the same command answers.',
          pattern: COMMAND_ID,
        }),
      ),
      supersede: Type.Optional(supersede),
      whenFull: Type.Optional(
        Type.Enum(['refuse', 'expire-oldest'], {
          description: 'What happens when the device has its number of waiting commands; left out: `refuse`.',
        }),
      ),
    },
    closed,
  ),
);
export type NewCommand = Type.Static<typeof NewCommandSchema>;

export const CommandsQuery = Type.Object(page, closed);
export const CommandPath = Type.Object({ id: Type.String() });
/** An admin's command ids may belong to several customers. */
export const CommandQuery = Type.Object(
  { customer: Type.Optional(Type.String({ description: 'Whose it is, if the id alone does not say.' })) },
  closed,
);

export const CancelledSchema = named(
  'Cancelled',
  Type.Object({ cancelled: Type.Integer({ description: 'How many commands were cancelled.', minimum: 0 }) }),
);
