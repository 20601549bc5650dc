/** Last-known state and cursors as SQL. */
import type { DeviceRow } from '../ports.ts';
import { packRows, unpackRows } from './device-rows.ts';
import type { DatabaseMethods } from './messages.ts';
import { type InTransaction, PAGE_ROWS, type Prepare } from './prepare.ts';

interface CursorRow {
  readonly name: string;
  readonly position: number;
}

type StateMethod =
  | 'loadDevices'
  | 'saveDevices'
  | 'checkpointPosition'
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
  const saveDevice = prepare('saveDevice');
  const checkpointPosition = prepare<{ position: number }>('checkpointPosition');
  const setCheckpointPosition = prepare('setCheckpointPosition');
  const deleteForgotten = prepare('deleteForgotten');
  const revisionCeiling = prepare<{ ceiling: number }>('revisionCeiling');
  const raiseRevisionCeiling = prepare('raiseRevisionCeiling');
  const loadCursors = prepare<CursorRow>('loadCursors');
  const saveCursor = prepare('saveCursor');
  return {
    loadDevices: (customer, device) => packRows(loadDevices.all({ customer, device, limit: PAGE_ROWS })),
    saveDevices: inTransaction((rows) => {
      for (const row of unpackRows(rows)) saveDevice.run(row);
    }),
    checkpointPosition: () => checkpointPosition.get({})?.position ?? 0,
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
