/**
 * Defines what the bodies of the HTTP API are made of: named schemas, references, lists and their pages, and the
 * problem.
 */
import Type from 'typebox';
import { ID } from '../names.ts';
import { PROBLEMS, type ProblemCode } from '../problems.ts';

export const closed = { additionalProperties: false };
/** The last millisecond that a JavaScript date, and so everybody who reads one, can hold. */
const LAST_TIME = 8_640_000_000_000_000;
export const time = (description: string) =>
  Type.Integer({ description: `${description} Unix ms.`, minimum: -LAST_TIME, maximum: LAST_TIME });
export const timeOrNull = (description: string) =>
  Type.Union([Type.Integer(), Type.Null()], { description: `${description} Unix ms.` });
export const textOrNull = (description: string) => Type.Union([Type.String(), Type.Null()], { description });

/** Whatever names and values: programs that generate clients would take an object without members for an empty one. */
export const freeObject = (description: string) =>
  Type.Unsafe<Record<string, unknown>>({ type: 'object', description, additionalProperties: true });

/** P-7.5, of a device and in the messages of the live channel. */
export const Asleep = Type.Optional(
  Type.Object(
    {
      until: timeOrNull('When it wants to be back; null: it did not say.'),
      overdueAt: timeOrNull('From then on it is missed: `until` and a tenth of its sleep. null: never.'),
    },
    {
      description: 'The device went to sleep, as it said, and is not lost (P-7.5). Absent: it is not asleep.',
    },
  ),
);

/** P-1.4. */
export const id = (description: string) => Type.String({ description, pattern: `^${ID}$` });

/** Gives a schema the name under which the OpenAPI document lists it. */
export function named<Schema extends Type.TSchema>(
  $id: string,
  schema: Schema,
): Schema & { readonly $id: string } {
  return Object.assign(schema, { $id, title: $id });
}

/** A reference to a named schema, with its type. */
export function reference<Schema extends Type.TSchema & { readonly $id: string }>(schema: Schema) {
  return Type.Unsafe<Type.Static<Schema>>({ $ref: `${schema.$id}#` });
}

export function list<Item extends Type.TSchema & { readonly $id: string }>(item: Item) {
  return named(
    `${item.$id}List`,
    Type.Object({
      items: Type.Array(reference(item)),
      next: textOrNull('Pass it as `cursor` to get the next page; null: this was the last.'),
    }),
  );
}

/** Items a page where the caller does not say. */
export const DEFAULT_LIMIT = 100;

export const page = {
  limit: Type.Optional(
    Type.Integer({ description: 'Items a page.', minimum: 1, maximum: 1000, default: DEFAULT_LIMIT }),
  ),
  cursor: Type.Optional(Type.String({ description: '`next` of the page before.', maxLength: 1024 })),
};

export const PageQuery = Type.Object(page, closed);
export type PageQuery = Type.Static<typeof PageQuery>;

/** RFC 9457; `Problem` of problems.ts as a schema. */
export const ProblemSchema = named(
  'Problem',
  Type.Object({
    type: Type.String({ description: '`urn:signalbox:problem:<code>`' }),
    title: Type.String({ description: 'What the code means.' }),
    status: Type.Integer({ description: 'The HTTP status.' }),
    code: Type.Enum(Object.keys(PROBLEMS) as ProblemCode[], { description: 'For programs.' }),
    detail: Type.String({ description: 'What it was this time, and what to do.' }),
    limit: Type.Optional(Type.String({ description: 'The configuration value that refused.' })),
    retryAfter: Type.Optional(Type.Integer({ description: 'Seconds to wait before the next attempt.' })),
  }),
);
