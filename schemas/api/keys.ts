/** Describes keys and the browser sessions that stand for them, as the HTTP API takes and tells them. */
import Type from 'typebox';
import { ID } from '../names.ts';
import { ROLES, rolesInWords, rolesWith } from '../roles.ts';
import { closed, id, list, named, page, time } from './common.ts';

const label = Type.String({ description: 'For people.', minLength: 1, maxLength: 128 });
const role = Type.Enum([...ROLES], { description: 'What the key may do; left out: `device`.' });

export const KeySchema = named(
  'Key',
  Type.Object({
    id: Type.String(),
    customer: Type.String({ description: '`*` for an admin.' }),
    device: Type.Optional(Type.String({ description: 'The one device that may use it.' })),
    role: Type.Enum([...ROLES]),
    label: Type.Optional(label),
    createdAt: time('When it was made.'),
    expiresAt: Type.Optional(time('When it ends.')),
    lastUsedAt: Type.Optional(time('When it was last used, to about a minute.')),
    key: Type.Optional(Type.String({ description: 'The secret; only in the answer that creates it.' })),
  }),
);
export const KeyListSchema = list(KeySchema);
export type Key = Type.Static<typeof KeySchema>;

export const KeysQuery = Type.Object(
  { customer: Type.Optional(Type.String({ description: 'Only keys of this customer.' })), ...page },
  closed,
);

export const NewKeySchema = named(
  'NewKey',
  Type.Object(
    {
      customer: Type.Optional(
        Type.String({
          description: 'Whose key it is; `*` or left out for an admin.',
          pattern: `^(\\*|${ID})$`,
        }),
      ),
      device: Type.Optional(id('The one device that may use it; without: the whole fleet of the customer.')),
      role: Type.Optional(role),
      label: Type.Optional(label),
      expiresAt: Type.Optional(time('When it ends; without: never.')),
      expiresIn: Type.Optional(
        Type.Integer({
          description: 'Instead of `expiresAt`: seconds from now; a thousand years at most.',
          minimum: 1,
          maximum: 31_557_600_000,
        }),
      ),
    },
    closed,
  ),
);
export type NewKey = Type.Static<typeof NewKeySchema>;

export const KeyPath = Type.Object({ id: Type.String() });

export const RotationSchema = named(
  'Rotation',
  Type.Object(
    {
      overlapSeconds: Type.Optional(
        Type.Integer({
          description: 'How long the old key goes on working; left out: 86400, a day.',
          minimum: 0,
          maximum: 2592000,
        }),
      ),
    },
    closed,
  ),
);

export const LoginSchema = named(
  'Login',
  Type.Object(
    {
      key: Type.Optional(Type.String({ description: `A ${rolesInWords('read')} key.`, maxLength: 256 })),
      token: Type.Optional(Type.String({ description: 'A one-time login token.', maxLength: 256 })),
    },
    { ...closed, description: 'One of the two.' },
  ),
);

export const SessionSchema = named(
  'Session',
  Type.Object({
    keyId: Type.String({ description: 'The key that it stands for.' }),
    role: Type.Enum([...rolesWith('read')]),
    customer: Type.String({ description: '`*` for an admin.' }),
    expiresAt: Type.Optional(time('When the login ends if it is not used; in the answer that makes it.')),
  }),
);
export type Session = Type.Static<typeof SessionSchema>;
