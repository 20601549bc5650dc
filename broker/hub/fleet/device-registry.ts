/**
 * Makes devices known before they first connect, and keeps what people say about them. Owns label, tags and notes: durable
 * before anybody sees them. A device that connects without having been registered is known all the same. One that is
 * forgotten loses its connection and its state, and a restart does not bring it back.
 */
import type { Clock } from '../../base/clock.ts';
import { SerialQueue } from '../../base/serial-queue.ts';
import type { RegistryStore, StateStore } from '../../store/ports.ts';
import { everyPage } from '../../store/subject.ts';
import { HubRefusal } from '../refusal.ts';
import type { Ingest } from '../telemetry/ingest.ts';
import type { Device, DeviceProfile } from './device.ts';
import type { Fleet } from './fleet.ts';
import { ID_PATTERN } from './topics.ts';

export interface DeviceRegistryParts {
  readonly store: RegistryStore;
  readonly fleet: Fleet;
  readonly clock: Clock;
  readonly limits: { readonly devicesPerCustomer: number };
}

export interface Registered {
  readonly device: Device;
  /** false: it was known before. */
  readonly created: boolean;
}

/** Bytes of UTF-8, and how many tags. */
const PROFILE_LIMITS = { labelBytes: 64, tags: 16, tagBytes: 32, notesBytes: 1024 } as const;

/** Seconds after which it is worth another try: somebody must have made room. */
const RETRY_NEW_DEVICE = 300;

interface Queue {
  readonly changes: SerialQueue;
  users: number;
}

export class DeviceRegistry {
  private readonly parts: DeviceRegistryParts;
  /** By `customer/device`: what is asked of one device is done one after the other, so that a forgotten one stays so. */
  private readonly queues = new Map<string, Queue>();
  /** By customer: devices that are being stored and not known yet. */
  private readonly making = new Map<string, number>();

  constructor(parts: DeviceRegistryParts) {
    this.parts = parts;
  }

  /** Before last-known state comes back, which finds the devices made. */
  async load(): Promise<void> {
    const { store, fleet } = this.parts;
    for await (const rows of everyPage(store.loadRegistered)) {
      for (const { customer, device, registeredAt, label, tags, notes } of rows) {
        fleet.obtain(customer, device).profile = { registeredAt, label, tags, notes };
      }
    }
  }

  /** Replaces label, tags and notes. Durable when it resolves. Rejects with `HubRefusal` `bad-request`, `too-many-devices`. */
  put(
    customer: string,
    id: string,
    profile: Pick<DeviceProfile, 'label' | 'tags' | 'notes'>,
  ): Promise<Registered> {
    return this.inTurn(customer, id, async () => {
      checkProfile(profile);
      this.checkNumber(customer, id);
      return this.save(customer, id, profile);
    });
  }

  /**
   * Makes it known, and keeps what is said of it already; when a key for it is made. Not limited in number: only an admin makes
   * keys, and a device with a key of its own is always let in.
   */
  ensure(customer: string, id: string): Promise<Registered> {
    return this.inTurn(customer, id, async () => {
      const device = this.parts.fleet.find(customer, id);
      if (device?.profile) return { device, created: false };
      return this.save(customer, id, { label: null, tags: [], notes: null });
    });
  }

  /** `forget` removes everything else of the device; whether it was known. */
  forget(customer: string, id: string, forget: () => Promise<boolean>): Promise<boolean> {
    return this.inTurn(customer, id, async () => {
      const wasKnown = await forget();
      if (wasKnown) await this.parts.store.deleteRegistered(customer, id);
      return wasKnown;
    });
  }

  private async save(
    customer: string,
    id: string,
    { label, tags, notes }: Pick<DeviceProfile, 'label' | 'tags' | 'notes'>,
  ): Promise<Registered> {
    if (!ID_PATTERN.test(id)) {
      throw new HubRefusal('device-id-invalid', 'A device id is 1 to 64 letters, digits, _ and - (P-1.4).');
    }
    const { store, fleet, clock } = this.parts;
    const before = fleet.find(customer, id);
    const registeredAt = before?.profile?.registeredAt ?? clock.now();
    this.count(customer, 1);
    try {
      await store.saveRegistered({ customer, device: id, registeredAt, label, tags, notes });
    } finally {
      this.count(customer, -1);
    }
    // It may have connected meanwhile.
    const created = fleet.find(customer, id) === null;
    const device = created ? fleet.register(customer, id) : fleet.obtain(customer, id);
    device.profile = { registeredAt, label, tags, notes };
    return { device, created };
  }

  private checkNumber(customer: string, id: string): void {
    const { fleet, limits } = this.parts;
    const { devicesPerCustomer } = limits;
    if (fleet.find(customer, id)) return;
    if (fleet.countOf(customer) + (this.making.get(customer) ?? 0) < devicesPerCustomer) return;
    const limit = 'limits.devicesPerCustomer';
    throw new HubRefusal(
      'too-many-devices',
      `The device is not known, and the limit ${limit} of ${devicesPerCustomer} is reached; forget devices that are gone.`,
      { limit, retryAfter: RETRY_NEW_DEVICE },
    );
  }

  private count(customer: string, change: 1 | -1): void {
    const making = (this.making.get(customer) ?? 0) + change;
    if (making === 0) this.making.delete(customer);
    else this.making.set(customer, making);
  }

  private async inTurn<Result>(customer: string, id: string, work: () => Promise<Result>): Promise<Result> {
    const name = `${customer}/${id}`;
    const queue = this.queues.get(name) ?? { changes: new SerialQueue(), users: 0 };
    this.queues.set(name, queue);
    queue.users += 1;
    try {
      return await queue.changes.run(work);
    } finally {
      queue.users -= 1;
      if (queue.users === 0) this.queues.delete(name);
    }
  }
}

function checkProfile({ label, tags, notes }: Pick<DeviceProfile, 'label' | 'tags' | 'notes'>): void {
  checkText('label', label ?? '', PROFILE_LIMITS.labelBytes);
  for (const tag of tags) checkText(`tag "${tag.slice(0, 32)}"`, tag, PROFILE_LIMITS.tagBytes);
  checkText('notes', notes ?? '', PROFILE_LIMITS.notesBytes);
}

function checkText(what: string, text: string, most: number): void {
  const bytes = Buffer.byteLength(text);
  if (bytes <= most) return;
  throw new HubRefusal('bad-request', `The ${what} takes ${bytes} bytes as UTF-8; at most ${most} are kept.`);
}

export interface ForgetParts {
  readonly fleet: Fleet;
  readonly ingest: Pick<Ingest, 'flushed' | 'position'>;
  readonly state: Pick<StateStore, 'saveDevices'>;
}

export interface ForgetAllParts extends ForgetParts {
  readonly registry: Pick<DeviceRegistry, 'forget'>;
  /** Commands and desired state, which the fleet does not hold. */
  readonly control: { forget(customer: string, device: string): Promise<void> };
}

/** All that is known and stored of a device, what was asked of it included. Whether it was known; durable when it resolves. */
export function forgetAll(parts: ForgetAllParts, customer: string, id: string): Promise<boolean> {
  return parts.registry.forget(customer, id, async () => {
    const wasKnown = await forgetDevice(parts, customer, id);
    if (wasKnown) await parts.control.forget(customer, id);
    return wasKnown;
  });
}

/** Whether the device was known. Resolves when it is durably gone; its frames stay in the log until retention. */
export async function forgetDevice(parts: ForgetParts, customer: string, id: string): Promise<boolean> {
  const { fleet, ingest, state } = parts;
  // One that has just connected is known when that is committed.
  if (fleet.memberOf(customer, id)) await ingest.flushed();
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
