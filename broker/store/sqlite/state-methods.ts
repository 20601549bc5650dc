/** Last-known state and cursors as SQL. */
import type { DeviceRow, StatePart } from '../ports.ts';
import { bytesOf, packRows, unpackRows } from './device-rows.ts';
import type { DatabaseMethods } from './messages.ts';
import { type InTransaction, PAGE_ROWS, type Prepare } from './open-database.ts';

interface CursorRow {
  readonly name: string;
  readonly position: number;
}

/** Of rows that are read in one call: a start must not hold a thousand large states at once. */
const PAGE_BYTES = 4 * 1024 * 1024;

type StateMethod =
  | 'loadDevices'
  | 'saveDevices'
  | 'checkpointPosition'
  | 'highestPosition'
  | 'setCheckpointPosition'
  | 'revisionCeiling'
  | 'raiseRevisionCeiling'
  | 'loadCursors'
  | 'saveCursors';

export function stateMethods(
  prepare: Prepare,
  inTransaction: InTransaction,
): Pick<DatabaseMethods, StateMethod> {
  const loadDevices = prepare<DeviceRow>('loadDevices');
  const loadParts = prepare<StatePart>('loadStateParts');
  const saveDevice = prepare('saveDevice');
  const savePart = prepare('saveStatePart');
  const deletePart = prepare('deleteStatePart');
  const deleteParts = prepare('deleteStateParts');
  const checkpointPosition = prepare<{ position: number }>('checkpointPosition');
  const highestPosition = prepare<{ position: number }>('highestPosition');
  const setCheckpointPosition = prepare('setCheckpointPosition');
  const deleteForgotten = prepare('deleteForgotten');
  const revisionCeiling = prepare<{ ceiling: number }>('revisionCeiling');
  const raiseRevisionCeiling = prepare('raiseRevisionCeiling');
  const loadCursors = prepare<CursorRow>('loadCursors');
  const saveCursor = prepare('saveCursor');
  const saveOrDelete = ({ customer, device }: DeviceRow, { part, body }: StatePart): void => {
    if (body === null) deletePart.run({ customer, device, part });
    else savePart.run({ customer, device, part, body });
  };
  return {
    loadDevices: (customer, device) => {
      const page: DeviceRow[] = [];
      let bytes = 0;
      for (const row of loadDevices.iterate({ customer, device, limit: PAGE_ROWS })) {
        const whole = { ...row, parts: loadParts.all(row) };
        page.push(whole);
        bytes += bytesOf(whole);
        if (bytes >= PAGE_BYTES) break;
      }
      return packRows(page);
    },
    saveDevices: inTransaction((rows) => {
      for (const row of unpackRows(rows)) {
        // The stored row is newer: so are its parts.
        if (saveDevice.run(row).changes === 0) continue;
        if (row.body === null) deleteParts.run(row);
        else for (const part of row.parts ?? []) saveOrDelete(row, part);
      }
    }),
    checkpointPosition: () => checkpointPosition.get({})?.position ?? 0,
    highestPosition: () => highestPosition.get({})?.position ?? 0,
    setCheckpointPosition: inTransaction((position) => {
      setCheckpointPosition.run({ position });
      deleteForgotten.run({ position });
    }),
    revisionCeiling: () => revisionCeiling.get({})?.ceiling ?? 0,
    raiseRevisionCeiling: (ceiling) => void raiseRevisionCeiling.run({ ceiling }),
    loadCursors: () => Object.fromEntries(loadCursors.all({}).map(({ name, position }) => [name, position])),
    saveCursors: inTransaction((cursors) => {
      for (const [name, position] of Object.entries(cursors)) saveCursor.run({ name, position });
    }),
  };
}
