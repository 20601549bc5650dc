/** Describes desired and reported state of a device, as the HTTP API takes and tells it (P-6). */
import Type from 'typebox';
import { METRIC_NAME } from '../frames.ts';
import { named, time } from './common.ts';

const values = (description: string) =>
  Type.Unsafe<Record<string, unknown>>({
    type: 'object',
    description,
    additionalProperties: true,
    propertyNames: { pattern: METRIC_NAME },
  });

/** The body of PUT. */
export const DesiredValuesSchema = named('DesiredValues', values('The whole desired document.'));
/** The body of PATCH, RFC 7396. */
export const DesiredPatchSchema = named(
  'DesiredPatch',
  values('What changes; null takes a name away (JSON merge patch, RFC 7396).'),
);

const Desired = Type.Object({
  version: Type.Integer({ description: 'Rises with each change.', minimum: 1 }),
  values: values('What the device should be like.'),
  at: time('When it was set.'),
  by: Type.String({ description: 'The key that set it.' }),
});

const Reported = Type.Object({
  version: Type.Integer({ description: 'The version that the device has applied.', minimum: 0 }),
  values: values('What it applied.'),
  at: time('When it said so.'),
});

export const DocumentsSchema = named(
  'Documents',
  Type.Object({
    device: Type.String({ description: '`customer/id`' }),
    desired: Type.Union([Desired, Type.Null()], { description: 'null: nothing was ever desired.' }),
    reported: Type.Union([Reported, Type.Null()], { description: 'null: nothing was ever reported.' }),
    difference: Type.Unsafe<Record<string, { desired?: unknown; reported?: unknown }>>({
      type: 'object',
      description: 'Names whose desired value is not the reported one; a side that lacks the name is absent.',
      additionalProperties: { type: 'object', properties: { desired: {}, reported: {} } },
    }),
    inSync: Type.Boolean({ description: 'Whether there is no difference.' }),
    obstacle: Type.Optional(
      Type.String({
        description: 'Why the desired document is not sent to the device; absent: it is, or was.',
      }),
    ),
  }),
);
export type Documents = Type.Static<typeof DocumentsSchema>;
