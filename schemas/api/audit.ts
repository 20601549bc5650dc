/** Describes the audit, as the HTTP API tells it. */
import Type from 'typebox';
import { closed, freeObject, list, named, page, textOrNull, time, timeOrNull } from './common.ts';

export const AuditQuerySchema = Type.Object(
  {
    customer: Type.Optional(Type.String({ description: 'Only entries of this customer.' })),
    by: Type.Optional(Type.String({ description: 'Only what this key asked.' })),
    action: Type.Optional(
      Type.String({
        description: 'Only this action; with a `.` at the end, all that begin so.',
        maxLength: 64,
      }),
    ),
    target: Type.Optional(
      Type.String({ description: 'Only about this, such as `acme/pump-7`.', maxLength: 200 }),
    ),
    from: Type.Optional(time('Not before.')),
    to: Type.Optional(time('Before.')),
    ...page,
  },
  closed,
);

export const AuditEntrySchema = named(
  'AuditEntry',
  Type.Object({
    number: Type.Integer({ description: 'Rises from entry to entry.' }),
    at: time('When it was asked.'),
    by: Type.String({ description: 'The key that asked; `mqtt`: the bridge; `broker`: the broker itself.' }),
    customer: Type.String({ description: 'Whose operators may read this; `*`: admins only.' }),
    action: Type.String({ description: 'docs/audit.md lists them.' }),
    target: Type.String({ description: 'Of whom or what.' }),
    detail: Type.Union([
      freeObject('What else there is to say; its names depend on the action.'),
      Type.Null(),
    ]),
    outcome: textOrNull('What became of it; null: not known yet.'),
    outcomeAt: timeOrNull('When that was known.'),
  }),
);
export const AuditListSchema = list(AuditEntrySchema);
export type AuditEntryView = Type.Static<typeof AuditEntrySchema>;
