/** Keys and browser sessions as SQL. */
import type { BrowserSessionRow, KeyRow } from '../ports.ts';
import type { DatabaseMethods } from './messages.ts';
import { type InTransaction, type Prepare, unlessTaken } from './open-database.ts';

type KeyMethod =
  | 'loadKeys'
  | 'insertKey'
  | 'updateKeys'
  | 'loadBrowserSessions'
  | 'insertBrowserSession'
  | 'renewBrowserSessions'
  | 'deleteBrowserSessions';

export function keyMethods(prepare: Prepare, inTransaction: InTransaction): Pick<DatabaseMethods, KeyMethod> {
  const loadKeys = prepare<KeyRow>('loadKeys');
  const insertKey = prepare('insertKey');
  const updateKey = prepare('updateKey');
  const loadBrowserSessions = prepare<BrowserSessionRow>('loadBrowserSessions');
  const insertBrowserSession = prepare('insertBrowserSession');
  const renewBrowserSession = prepare('renewBrowserSession');
  const deleteBrowserSession = prepare('deleteBrowserSession');
  return {
    loadKeys: () => loadKeys.all({}),
    insertKey: (row) => unlessTaken(`key ${row.id}`, () => insertKey.run(row)),
    updateKeys: inTransaction((rows) => {
      for (const row of rows) updateKey.run(row);
    }),
    loadBrowserSessions: () => loadBrowserSessions.all({}),
    insertBrowserSession: (row) => unlessTaken('browser session', () => insertBrowserSession.run(row)),
    renewBrowserSessions: inTransaction((rows) => {
      for (const { hash, expiresAt } of rows) renewBrowserSession.run({ hash, expiresAt });
    }),
    deleteBrowserSessions: inTransaction((hashes) => {
      for (const hash of hashes) deleteBrowserSession.run({ hash });
    }),
  };
}
