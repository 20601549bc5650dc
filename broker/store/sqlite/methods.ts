/**
 * The methods of the database as SQL: state, registered devices and keys here, the others in command-methods.ts; what each
 * promises stands at its port. `runnerOf` runs a call: a write is one transaction, and one of rows that no log brings back
 * raises the generation in it (store/mark.ts). Blocks its thread.
 */
import SqliteDatabase from 'better-sqlite3';
import {
  type BrowserSessionRow,
  DATABASE_KINDS,
  type DatabaseMethods,
  type DeviceRow,
  type KeyMethods,
  type KeyRow,
  type RegisteredDeviceRow,
  type RegistryMethods,
  type StateMethods,
  type StatePart,
  StoreError,
} from '../ports.ts';
import { type Position, START } from '../position.ts';
import type { MethodKind } from '../subject.ts';
import { auditMethods, commandMethods, desiredMethods, jobMethods } from './command-methods.ts';
import { bytesOf } from './device-rows.ts';
import { FIRST_NAME, nameOf, PAGE_ROWS, type Prepare, pageByName, statementsOf } from './statements.ts';

export interface MethodCall {
  readonly method: keyof DatabaseMethods;
  readonly args: readonly unknown[];
}

/** What a call came to. */
export interface CallOutcome {
  readonly value: unknown;
  /** See `Mark`; null: the call did not raise it. */
  readonly generation: number | null;
}

export type RunCall = (call: MethodCall) => CallOutcome;

export function kindOf({ method, args }: MethodCall): MethodKind {
  const kind = DATABASE_KINDS[method] as MethodKind | ((...args: readonly unknown[]) => MethodKind);
  return typeof kind === 'function' ? kind(...args) : kind;
}

/** Prepares every statement once. */
export function runnerOf(database: SqliteDatabase.Database): RunCall {
  const prepare = statementsOf(database);
  const methods: DatabaseMethods = {
    ...stateMethods(prepare),
    ...registryMethods(prepare),
    ...keyMethods(prepare),
    ...commandMethods(prepare),
    ...jobMethods(prepare),
    ...desiredMethods(prepare),
    ...auditMethods(prepare),
  };
  const raiseMark = prepare<{ generation: number }>('raiseMark');
  const run = ({ method, args }: MethodCall): unknown =>
    (methods[method] as (...args: readonly unknown[]) => unknown)(...args);
  const write = database.transaction((call: MethodCall, kind: MethodKind): CallOutcome => {
    const value = run(call);
    return { value, generation: kind === 'kept' ? (raiseMark.get({})?.generation ?? null) : null };
  });
  return (call) => {
    const kind = kindOf(call);
    return kind === 'read' ? { value: run(call), generation: null } : write.immediate(call, kind);
  };
}

interface CursorRow {
  readonly name: string;
  readonly position: Position;
}

/** Of rows that are read in one call: a start must not hold a thousand large states at once. */
const PAGE_BYTES = 4 * 1024 * 1024;

function stateMethods(prepare: Prepare): StateMethods {
  const checkpointPosition = prepare<{ position: Position }>('checkpointPosition');
  const highestPosition = prepare<{ position: Position }>('highestPosition');
  const setCheckpointPosition = prepare('setCheckpointPosition');
  const deleteForgotten = prepare('deleteForgotten');
  const revisionCeiling = prepare<{ ceiling: number }>('revisionCeiling');
  const raiseRevisionCeiling = prepare('raiseRevisionCeiling');
  const loadCursors = prepare<CursorRow>('loadCursors');
  const saveCursor = prepare('saveCursor');
  return {
    loadDevices: deviceLoader(prepare),
    saveDevices: deviceSaver(prepare),
    checkpointPosition: () => checkpointPosition.get({})?.position ?? START,
    highestPosition: () => highestPosition.get({})?.position ?? START,
    setCheckpointPosition: (position) => {
      setCheckpointPosition.run({ position });
      deleteForgotten.run({ position });
    },
    revisionCeiling: () => revisionCeiling.get({})?.ceiling ?? 0,
    raiseRevisionCeiling: (ceiling) => void raiseRevisionCeiling.run({ ceiling }),
    loadCursors: () => Object.fromEntries(loadCursors.all({}).map(({ name, position }) => [name, position])),
    saveCursors: (cursors) => {
      for (const [name, position] of Object.entries(cursors)) saveCursor.run({ name, position });
    },
  };
}

function deviceLoader(prepare: Prepare): StateMethods['loadDevices'] {
  const loadDevices = prepare<DeviceRow>('loadDevices');
  const loadParts = prepare<StatePart>('loadStateParts');
  return (after) => {
    const items: DeviceRow[] = [];
    let bytes = 0;
    for (const row of loadDevices.iterate({ ...(after ?? FIRST_NAME), limit: PAGE_ROWS + 1 })) {
      if (items.length === PAGE_ROWS || bytes >= PAGE_BYTES) return { items, next: nameOf(items.at(-1)) };
      const whole = { ...row, parts: loadParts.all(row) };
      items.push(whole);
      bytes += bytesOf(whole);
    }
    return { items, next: null };
  };
}

function deviceSaver(prepare: Prepare): StateMethods['saveDevices'] {
  const saveDevice = prepare('saveDevice');
  const savePart = prepare('saveStatePart');
  const deletePart = prepare('deleteStatePart');
  const deleteParts = prepare('deleteStateParts');
  const saveOrDelete = ({ customer, device }: DeviceRow, { part, body }: StatePart): void => {
    if (body === null) deletePart.run({ customer, device, part });
    else savePart.run({ customer, device, part, body });
  };
  return (rows) => {
    for (const row of rows) {
      // The stored row is newer: so are its parts.
      if (saveDevice.run(row).changes === 0) continue;
      if (row.body === null) deleteParts.run(row);
      else for (const part of row.parts ?? []) saveOrDelete(row, part);
    }
  };
}

/** Tags are JSON in the table. */
type StoredRegistration = Omit<RegisteredDeviceRow, 'tags'> & { readonly tags: string };

function registryMethods(prepare: Prepare): RegistryMethods {
  const load = prepare<StoredRegistration>('loadRegistered');
  const save = prepare('saveRegistered');
  const remove = prepare('deleteRegistered');
  return {
    loadRegistered: (after) => {
      const rows = load.all({ ...(after ?? FIRST_NAME), limit: PAGE_ROWS + 1 });
      return pageByName(rows.map((row) => ({ ...row, tags: JSON.parse(row.tags) as string[] })));
    },
    saveRegistered: (row) => void save.run({ ...row, tags: JSON.stringify(row.tags) }),
    deleteRegistered: (customer, device) => void remove.run({ customer, device }),
  };
}

function keyMethods(prepare: Prepare): KeyMethods {
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
    updateKeys: (rows) => {
      for (const row of rows) updateKey.run(row);
    },
    loadBrowserSessions: () => loadBrowserSessions.all({}),
    insertBrowserSession: (row) => unlessTaken('browser session', () => insertBrowserSession.run(row)),
    renewBrowserSessions: (rows) => {
      for (const { hash, expiresAt } of rows) renewBrowserSession.run({ hash, expiresAt });
    },
    deleteBrowserSessions: (hashes) => {
      for (const hash of hashes) deleteBrowserSession.run({ hash });
    },
  };
}

/** Turns the primary key's refusal into `exists`. */
function unlessTaken(what: string, insert: () => void): void {
  try {
    insert();
  } catch (error) {
    const taken =
      error instanceof SqliteDatabase.SqliteError && error.code === 'SQLITE_CONSTRAINT_PRIMARYKEY';
    throw taken ? new StoreError('exists', `There is a ${what} already.`) : error;
  }
}
