/** Forgetting a device: its connection ends, its state goes, and a restart does not bring it back. */
import type { StateStore } from '../../store/ports.ts';
import type { Ingest } from '../telemetry/ingest.ts';
import type { Device } from './device.ts';
import type { Fleet } from './fleet.ts';

export interface ForgetParts {
  readonly fleet: Fleet;
  readonly ingest: Pick<Ingest, 'flushed' | 'position'>;
  readonly state: Pick<StateStore, 'saveDevices'>;
}

/** Whether the device was known. Resolves when it is durably gone; its frames stay in the log until retention. */
export async function forgetDevice(parts: ForgetParts, customer: string, id: string): Promise<boolean> {
  const { fleet, ingest, state } = parts;
  const device = fleet.find(customer, id);
  if (!device) return false;
  await endConnections(device, ingest);
  fleet.forget(device);
  await state.saveDevices([{ customer, device: id, position: ingest.position, body: null }]);
  return true;
}

/** While the last frames of one connection are committed, another may come; the last one is ended too. */
async function endConnections(device: Device, ingest: Pick<Ingest, 'flushed'>): Promise<void> {
  for (;;) {
    const { member } = device;
    member?.end(4003, 'The device was forgotten by an operator.');
    await ingest.flushed();
    if (device.member === member) return;
  }
}
