/**
 * Everything that is not the log, in one SQLite file behind one thread. What each method promises stands at its port
 * (ports.ts, command-ports.ts); here they only cross to the thread.
 */
import type { CommandRow, DesiredRow } from '../command-ports.ts';
import type { Database, DeviceRow, Durability, RegisteredDeviceRow } from '../ports.ts';
import { buffersOf, packRows, unpackRows } from './device-rows.ts';
import { DatabaseThread } from './thread.ts';

export class SqliteStore extends DatabaseThread implements Database {
  readonly durability: Durability = 'power';

  readonly checkpointPosition = this.forward('checkpointPosition');
  readonly highestPosition = this.forward('highestPosition');
  readonly setCheckpointPosition = this.forward('setCheckpointPosition');
  readonly revisionCeiling = this.forward('revisionCeiling');
  readonly raiseRevisionCeiling = this.forward('raiseRevisionCeiling');
  readonly loadCursors = this.forward('loadCursors');
  readonly saveCursors = this.forward('saveCursors');

  readonly saveRegistered = this.forward('saveRegistered');
  readonly deleteRegistered = this.forward('deleteRegistered');

  readonly loadKeys = this.forward('loadKeys');
  readonly insertKey = this.forward('insertKey');
  readonly updateKeys = this.forward('updateKeys');
  readonly loadBrowserSessions = this.forward('loadBrowserSessions');
  readonly insertBrowserSession = this.forward('insertBrowserSession');
  readonly renewBrowserSessions = this.forward('renewBrowserSessions');
  readonly deleteBrowserSessions = this.forward('deleteBrowserSessions');

  readonly lastCommandNumber = this.forward('lastCommandNumber');
  readonly findCommands = this.forward('findCommands');
  readonly listCommands = this.forward('listCommands');
  readonly saveCommands = this.forward('saveCommands');
  readonly deleteEndedCommands = this.forward('deleteEndedCommands');

  readonly loadOpenJobs = this.forward('loadOpenJobs');
  readonly lastJobNumber = this.forward('lastJobNumber');
  readonly findJob = this.forward('findJob');
  readonly listJobs = this.forward('listJobs');
  readonly insertJob = this.forward('insertJob');
  readonly updateJob = this.forward('updateJob');
  readonly deleteEndedJobs = this.forward('deleteEndedJobs');

  readonly saveDesired = this.forward('saveDesired');

  readonly saveAudit = this.forward('saveAudit');
  readonly listAudit = this.forward('listAudit');
  readonly deleteAudit = this.forward('deleteAudit');

  async *loadDevices(): AsyncGenerator<readonly DeviceRow[]> {
    let page = unpackRows(await this.call('loadDevices', ['', '']));
    while (page.length > 0) {
      yield page;
      const { customer, device } = page.at(-1) as DeviceRow;
      page = unpackRows(await this.call('loadDevices', [customer, device]));
    }
  }

  saveDevices(rows: readonly DeviceRow[]): Promise<void> {
    const packed = packRows(rows);
    return this.call('saveDevices', [packed], buffersOf(packed));
  }

  async *loadRegistered(): AsyncGenerator<readonly RegisteredDeviceRow[]> {
    let page = await this.call('loadRegistered', ['', '']);
    while (page.length > 0) {
      yield page;
      const { customer, device } = page.at(-1) as RegisteredDeviceRow;
      page = await this.call('loadRegistered', [customer, device]);
    }
  }

  async *loadOpenCommands(): AsyncGenerator<readonly CommandRow[]> {
    let page = await this.call('loadOpenCommands', [0]);
    while (page.length > 0) {
      yield page;
      page = await this.call('loadOpenCommands', [(page.at(-1) as CommandRow).number]);
    }
  }

  async *loadDesired(): AsyncGenerator<readonly DesiredRow[]> {
    let page = await this.call('loadDesired', ['', '']);
    while (page.length > 0) {
      yield page;
      const { customer, device } = page.at(-1) as DesiredRow;
      page = await this.call('loadDesired', [customer, device]);
    }
  }
}
