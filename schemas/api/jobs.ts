/** Describes commands to groups of devices, as the HTTP API takes and tells them. */
import Type from 'typebox';
import { CommandSchema, commandArguments, commandName, commandTtl, supersede } from './commands.ts';
import { closed, id, list, named, page, reference, textOrNull, time, timeOrNull } from './common.ts';

const SelectionSchema = Type.Object(
  {
    customer: id('Whose devices.'),
    q: Type.Optional(
      Type.String({
        description: 'A part of the device id, its label or one of its tags, in any case.',
        maxLength: 64,
      }),
    ),
    model: Type.Optional(Type.String({ description: 'Exactly this model.', maxLength: 128 })),
    online: Type.Optional(Type.Boolean({ description: 'Only devices that are connected now, or are not.' })),
    devices: Type.Optional(
      Type.Array(id('A device id.'), { description: 'Only these.', minItems: 1, maxItems: 20000 }),
    ),
  },
  {
    ...closed,
    description:
      'Which devices; all given conditions must hold. With the customer alone: all of its devices.',
  },
);

export const NewJobSchema = named(
  'NewJob',
  Type.Object(
    {
      select: SelectionSchema,
      name: commandName,
      args: Type.Optional(commandArguments),
      ttl: Type.Optional(commandTtl),
      supersede: Type.Optional(supersede),
      dryRun: Type.Optional(Type.Boolean({ description: 'Only tell who would get it; left out: false.' })),
      canary: Type.Optional(
        Type.Integer({
          description:
            'How many devices get it first; the rest follows when all of these are done. Left out: 0.',
          minimum: 0,
          maximum: 1_000_000,
        }),
      ),
      rate: Type.Optional(
        Type.Number({
          description: 'Devices a second; left out: all at once.',
          exclusiveMinimum: 0,
          maximum: 1_000_000,
        }),
      ),
      haltShare: Type.Optional(
        Type.Number({
          description: 'Halt when more than this share of the commands that ended did not end as `done`.',
          minimum: 0,
          maximum: 1,
        }),
      ),
    },
    closed,
  ),
);
export type NewJob = Type.Static<typeof NewJobSchema>;

export const DryRunSchema = named(
  'DryRun',
  Type.Object({
    dryRun: Type.Literal(true),
    total: Type.Integer({ description: 'How many devices would get it.' }),
    devices: Type.Array(Type.String(), { description: 'All of them, `customer/id`, sorted.' }),
  }),
);

const STATUSES = ['canary', 'running', 'halted', 'cancelled', 'done'] as const;

export const JobSchema = named(
  'Job',
  Type.Object({
    id: Type.String(),
    customer: Type.String(),
    name: Type.String(),
    args: Type.Unknown(),
    status: Type.Enum([...STATUSES], {
      description: 'done: every device has its outcome. halted: too many failed; resume or cancel it.',
    }),
    reason: textOrNull('Why it was halted or cancelled, or what it waits for.'),
    createdAt: time('When it was asked for.'),
    endedAt: timeOrNull('When it came to its end.'),
    by: Type.String({ description: 'The key that asked.' }),
    total: Type.Integer({ description: 'Devices.' }),
    waiting: Type.Integer({ description: 'Devices whose turn has not come.' }),
    canary: Type.Integer(),
    rate: Type.Union([Type.Number(), Type.Null()]),
    haltShare: Type.Union([Type.Number(), Type.Null()]),
    counts: Type.Unsafe<Record<string, number>>({
      type: 'object',
      description:
        'Devices whose turn has come, by the status of their command; `refused`: none could be made.',
      additionalProperties: { type: 'integer', minimum: 0 },
    }),
  }),
);
export const JobListSchema = list(JobSchema);
export type JobView = Type.Static<typeof JobSchema>;

export const JobOutcomeSchema = named(
  'JobOutcome',
  Type.Object({
    device: Type.String({ description: '`customer/id`' }),
    status: Type.String({
      description: 'Of its command; or `waiting`, `skipped` (cancelled before its turn), `refused`.',
    }),
    reason: textOrNull('Why, where the broker knows.'),
    command: Type.Union([reference(CommandSchema), Type.Null()]),
  }),
);
export const JobOutcomeListSchema = list(JobOutcomeSchema);
export type JobOutcomeView = Type.Static<typeof JobOutcomeSchema>;

export const JobPath = Type.Object({ id: Type.String() });
export const JobsQuery = Type.Object(page, closed);
