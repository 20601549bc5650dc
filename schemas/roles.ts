/**
 * The roles of keys and what each may do: the one table that types, schemas, command line, API document and every check are made
 * from. Whatever is guarded names the right that it needs, and opens for roles that have it here and for no others.
 * (`CHECK` of the table `keys` lists the roles again, since SQL cannot ask; a test compares.)
 */

export type Right =
  /** Connect to `/v1/device`. */
  | 'connect'
  /** Log in, follow the live channel, and read everything of the key's customer but its audit. */
  | 'read'
  /** Send commands, set desired state, name and forget devices, and read the audit of the key's customer. */
  | 'operate'
  /** Manage keys, read `/metrics`, and have what is kept for administrators when others have taken the rest. */
  | 'administer'
  /** Belong to no one customer: the key's customer is `*`. */
  | 'every-customer';

const RIGHTS = {
  device: ['connect'],
  viewer: ['read'],
  operator: ['read', 'operate'],
  admin: ['read', 'operate', 'administer', 'every-customer'],
} as const satisfies Readonly<Record<string, readonly Right[]>>;

export type Role = keyof typeof RIGHTS;

/** The roles that have a right. */
export type RoleWith<Wanted extends Right> = {
  readonly [Name in Role]: Wanted extends (typeof RIGHTS)[Name][number] ? Name : never;
}[Role];

export const ROLES = Object.keys(RIGHTS) as readonly Role[];

const BY_ROLE: ReadonlyMap<string, readonly Right[]> = new Map(Object.entries(RIGHTS));

/** Whether keys of the role have the right; no role that this program does not know has any. */
export function may<Wanted extends Right>(role: Role, right: Wanted): role is RoleWith<Wanted> {
  return BY_ROLE.get(role)?.includes(right) ?? false;
}

export function rolesWith<Wanted extends Right>(right: Wanted): readonly RoleWith<Wanted>[] {
  return ROLES.filter((role): role is RoleWith<Wanted> => may(role, right));
}

/** `viewer, operator or admin`. */
export function rolesInWords(right: Right): string {
  const roles: readonly string[] = rolesWith(right);
  return [roles.slice(0, -1).join(', '), ...roles.slice(-1)].filter((part) => part !== '').join(' or ');
}
