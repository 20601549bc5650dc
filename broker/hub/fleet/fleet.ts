/**
 * `Fleet` owns every known device by customer, the connections of this moment (`attach`, `detach`) and presence as the log
 * tells it (`opened`, `ended`). A transition of presence has a number and its session, so that two connections of one
 * device cannot be confused. `Changes` owns a list of the devices that changed since its one reader (the live tick, the
 * checkpoint) last drained it. A device carries one mark for each list that it is in, so a change costs a comparison, and
 * nothing else that is written into a device can keep it out of a list.
 */
import { Device, type Member, type Presence, type Sleep } from './device.ts';
import type { Revisions } from './revisions.ts';

export class Changes {
  /** One bit, which no other list of this fleet has. */
  readonly mark: number;
  private devices: Device[] = [];

  constructor(mark: number) {
    this.mark = mark;
  }

  note(device: Device): void {
    if ((device.marks & this.mark) !== 0) return;
    device.marks |= this.mark;
    this.devices.push(device);
  }

  /** The devices that changed since the last drain, in the order of their first change. */
  drain(): readonly Device[] {
    const { devices } = this;
    this.devices = [];
    for (const device of devices) device.marks &= ~this.mark;
    return devices;
  }
}

/** Lists of changes at once: bits of a small integer. */
const MARKS = 30;

export type PresenceListener = (device: Device, presence: Presence) => void;
/** The device has another connection, or none: for whoever writes to it. Nobody is told of that yet. */
export type ConnectionListener = (device: Device) => void;
export type ForgetListener = (customer: string, device: string, rev: number) => void;

export class Fleet {
  readonly revisions: Revisions;
  private readonly byCustomer = new Map<string, Map<string, Device>>();
  /** By customer: of connections whose records are not committed yet; nobody sees these devices. */
  private readonly arriving = new Map<string, Map<string, Device>>();
  private changeLists: readonly Changes[] = [];
  private readonly connectionListeners = new Set<ConnectionListener>();
  private readonly presenceListeners = new Set<PresenceListener>();
  private readonly forgetListeners = new Set<ForgetListener>();
  private onlineCount = 0;
  private deviceCount = 0;

  constructor(revisions: Revisions) {
    this.revisions = revisions;
  }

  get total(): number {
    return this.deviceCount;
  }

  /** Counted anew each time. */
  get neverSeen(): number {
    let count = 0;
    for (const device of this.devices('*')) if (device.neverSeen) count += 1;
    return count;
  }

  get online(): number {
    return this.onlineCount;
  }

  /** Customers that have at least one device. */
  customers(): IterableIterator<string> {
    return this.byCustomer.keys();
  }

  /** Devices of a customer, those included that are about to be known. */
  countOf(customer: string): number {
    return (this.byCustomer.get(customer)?.size ?? 0) + (this.arriving.get(customer)?.size ?? 0);
  }

  find(customer: string, device: string): Device | null {
    return this.byCustomer.get(customer)?.get(device) ?? null;
  }

  /** All devices of a customer, or of every customer for `*`, in the order in which they became known. */
  *devices(customer: string): Generator<Device> {
    if (customer !== '*') yield* this.byCustomer.get(customer)?.values() ?? [];
    else for (const devices of this.byCustomer.values()) yield* devices.values();
  }

  /** The device, made known if it was not. */
  obtain(customer: string, id: string): Device {
    const known = this.find(customer, id);
    if (known) return known;
    const device = this.takeArriving(customer, id) ?? new Device(customer, id);
    const devices = this.byCustomer.get(customer) ?? new Map<string, Device>();
    this.byCustomer.set(customer, devices.set(id, device));
    this.deviceCount += 1;
    return device;
  }

  /** Makes a device known that has not connected yet; viewers and the bridge hear of it as of one that is away. */
  register(customer: string, id: string): Device {
    const device = this.obtain(customer, id);
    this.transition(device, { state: 'offline', session: null, since: 0, reason: null, asleep: null });
    return device;
  }

  /** For a connection: the device, also if nothing of it is committed yet, in which case `opened` makes it known. */
  arrive(customer: string, id: string): Device {
    const here = this.find(customer, id) ?? this.arriving.get(customer)?.get(id);
    if (here) return here;
    const device = new Device(customer, id);
    const devices = this.arriving.get(customer) ?? new Map<string, Device>();
    this.arriving.set(customer, devices.set(id, device));
    return device;
  }

  /** The connection of a device at this moment. */
  memberOf(customer: string, id: string): Member | null {
    const device = this.find(customer, id) ?? this.arriving.get(customer)?.get(id);
    return device?.member ?? null;
  }

  /** P-1.6: the newest connection wins, at once; returns the one that it replaces, which the caller ends with 4001. */
  attach(device: Device, member: Member): Member | null {
    const replaced = device.member;
    device.member = member;
    for (const listener of this.connectionListeners) listener(device);
    return replaced;
  }

  /** The connection is gone. One that was replaced has gone before. */
  detach(device: Device, member: Member): void {
    if (device.member !== member) return;
    device.seenAt = member.heardAt;
    device.member = null;
    for (const listener of this.connectionListeners) listener(device);
  }

  /** A record says that the session was opened: it is the device's, whichever was before. Returns whether anything changed. */
  opened(device: Device, session: string, at: number): boolean {
    if (!this.isOf(device)) return false;
    if (!device.online) this.onlineCount += 1;
    if (!device.member) device.seenAt = at;
    this.transition(device, { state: 'online', session, since: at, reason: null, asleep: null });
    return true;
  }

  /** The same of its end. Of one that was replaced nothing is told: its device is online. */
  ended(device: Device, session: string, at: number, reason: string, asleep: Sleep | null = null): boolean {
    if (!device.online || device.presence.session !== session || !this.isOf(device)) return false;
    this.onlineCount -= 1;
    this.transition(device, { state: 'offline', session, since: at, reason, asleep });
    return true;
  }

  /** Removes the device; the caller has ended its connection, of whose close nothing more is told. */
  forget(device: Device): void {
    const devices = this.byCustomer.get(device.customer);
    if (devices?.get(device.id) !== device) return;
    if (device.online) this.onlineCount -= 1;
    device.member = null;
    devices.delete(device.id);
    if (devices.size === 0) this.byCustomer.delete(device.customer);
    this.deviceCount -= 1;
    const rev = this.revisions.next();
    for (const listener of this.forgetListeners) listener(device.customer, device.id, rev);
  }

  /** Marks a change that viewers can see and returns its revision. */
  touch(device: Device): number {
    for (const list of this.changeLists) list.note(device);
    device.rev = this.revisions.next();
    return device.rev;
  }

  /** A list of what changes from now on. */
  trackChanges(): Changes {
    const changes = new Changes(this.freeMark());
    this.changeLists = [...this.changeLists, changes];
    return changes;
  }

  untrackChanges(changes: Changes): void {
    // Another list may get its mark: no device may bear it.
    changes.drain();
    this.changeLists = this.changeLists.filter((list) => list !== changes);
  }

  onConnection(listener: ConnectionListener): () => void {
    this.connectionListeners.add(listener);
    return () => this.connectionListeners.delete(listener);
  }

  /** Called after the commit of what it tells. */
  onPresence(listener: PresenceListener): () => void {
    this.presenceListeners.add(listener);
    return () => this.presenceListeners.delete(listener);
  }

  onForget(listener: ForgetListener): () => void {
    this.forgetListeners.add(listener);
    return () => this.forgetListeners.delete(listener);
  }

  /** Whether it is known, or about to be: not one that was forgotten, of which a record comes late. */
  private isOf(device: Device): boolean {
    const { customer, id } = device;
    if (this.arriving.get(customer)?.get(id) === device) return this.obtain(customer, id) === device;
    return this.find(customer, id) === device;
  }

  private takeArriving(customer: string, id: string): Device | null {
    const devices = this.arriving.get(customer);
    const device = devices?.get(id);
    if (!devices || !device) return null;
    devices.delete(id);
    if (devices.size === 0) this.arriving.delete(customer);
    return device;
  }

  private freeMark(): number {
    const taken = this.changeLists.reduce((marks, list) => marks | list.mark, 0);
    for (let bit = 0; bit < MARKS; bit += 1) if ((taken & (1 << bit)) === 0) return 1 << bit;
    throw new RangeError(`More than ${MARKS} lists of changes are kept.`);
  }

  private transition(device: Device, to: Omit<Presence, 'rev'>): void {
    device.presence = { ...to, rev: this.touch(device) };
    for (const listener of this.presenceListeners) listener(device, device.presence);
  }
}
