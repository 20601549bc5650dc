/** What systemd hears of the broker (sd_notify(3)), over a real datagram socket such as systemd opens. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { expect, it, onTestFinished } from 'vitest';
import { ServiceNotifier } from '../../broker/main.ts';
import { startProcess } from '../helpers/broker-process.ts';
import { eventually } from '../helpers/eventually.ts';
import { silentLog } from '../helpers/log.ts';
import { requires } from '../helpers/requires.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const MANAGER = join(import.meta.dirname, '../python/notify_socket.py');

class Manager {
  readonly socket = join(temporaryFolder(), 'notify');
  private readonly child: ChildProcessByStdio<null, Readable, null>;
  private readonly lines: AsyncIterator<string>;

  constructor() {
    this.child = spawn('/usr/bin/python3', ['-u', MANAGER, this.socket], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void this.child.kill());
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  async next(): Promise<string> {
    const { value, done } = await this.lines.next();
    if (done) throw new Error('the socket was closed');
    return value as string;
  }

  /** The next message that is not a barrier, which systemd-notify sends to know that it was read. */
  async told(): Promise<string> {
    for (;;) {
      const line = await this.next();
      if (!line.includes('BARRIER=1')) return line;
    }
  }
}

/** The shell among this process's children. */
function messengerPid(): number {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ');
  const shell = children.find((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'sh');
  if (!shell) throw new Error('there is no messenger');
  return Number(shell);
}

requires('systemd')('what systemd is told', () => {
  it('is readiness, status in one line, and the stop, in this order', async () => {
    const manager = new Manager();
    expect(await manager.next()).toBe('open');
    const notifier = new ServiceNotifier({ socket: manager.socket, logger: silentLog });
    notifier.start();
    notifier.ready();
    notifier.status('200 devices\nonline');
    notifier.stopping();
    await notifier.stop();
    const told = [await manager.told(), await manager.told(), await manager.told()];
    expect(told.map((line) => line.replace(/MAINPID=\d+ ?/, '').trim())).toEqual([
      'READY=1',
      'STATUS=200 devices online',
      'STOPPING=1',
    ]);
    expect(told[0]).toContain(`MAINPID=${process.pid}`);
  });

  it('is told by a whole broker: ready once it listens, stopping on SIGTERM', async () => {
    const manager = new Manager();
    expect(await manager.next()).toBe('open');
    const broker = await startProcess({ env: { NOTIFY_SOCKET: manager.socket } });
    expect(await manager.told()).toContain('READY=1');
    const stopped = broker.stop();
    expect(await manager.told()).toContain('STOPPING=1');
    expect(await stopped).toBe(0);
  });

  it('is nothing without systemd, and costs no child', async () => {
    const notifier = new ServiceNotifier({ socket: undefined, logger: silentLog });
    notifier.start();
    notifier.ready();
    await notifier.stop();
    await notifier.stop();
  });

  it('does not keep a broker from stopping when the messenger was killed', async () => {
    const manager = new Manager();
    expect(await manager.next()).toBe('open');
    const notifier = new ServiceNotifier({ socket: manager.socket, logger: silentLog });
    notifier.start();
    const messenger = messengerPid();
    process.kill(messenger, 'SIGKILL');
    await eventually(() => expect(existsSync(`/proc/${messenger}`)).toBe(false));
    notifier.ready();
    await notifier.stop();
  });
});
