/** A real Mosquitto as a process of its own, that can be stopped, killed and started again on the same port. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { freePort } from '../helpers/free-port.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const PROGRAM = '/usr/sbin/mosquitto';

export class Mosquitto {
  readonly port: number;
  private readonly file: string;
  private child: ChildProcessByStdio<null, null, Readable> | null = null;
  /** What it said, newest last. */
  readonly log: string[] = [];

  /** `settings` are lines of its configuration; sessions and retained messages survive in `folder`. */
  constructor(folder: string, port: number, settings: readonly string[]) {
    this.port = port;
    this.file = join(folder, 'mosquitto.conf');
    const lines = [
      `listener ${port} 127.0.0.1`,
      // Started by root it would become another user, who may not write into the folder.
      `user ${userInfo().username}`,
      'persistence true',
      `persistence_location ${folder}/`,
      'max_queued_messages 0',
      'log_dest stderr',
      'log_type all',
      ...(settings.some((line) => line.startsWith('allow_anonymous')) ? [] : ['allow_anonymous true']),
      ...settings,
    ];
    writeFileSync(this.file, `${lines.join('\n')}\n`);
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  /** Resolves when it listens. */
  async start(): Promise<void> {
    const child = spawn(PROGRAM, ['-c', this.file], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.child = child;
    const lines = createInterface({ input: child.stderr });
    await new Promise<void>((resolve, reject) => {
      lines.on('line', (line) => {
        this.log.push(line);
        if (/mosquitto version .* running/.test(line)) resolve();
      });
      child.once('exit', () => reject(new Error(`mosquitto ended:\n${this.log.join('\n')}`)));
    });
  }

  /** SIGTERM saves sessions and retained messages. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const { child } = this;
    this.child = null;
    if (!child || child.exitCode !== null) return;
    child.kill('SIGCONT');
    child.kill(signal);
    await once(child, 'exit');
  }

  /** Holds the process where it is: its sockets stay open and nothing answers. */
  freeze(): void {
    this.child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.child?.kill('SIGCONT');
  }
}

/** Started; stopped when the test is over. */
export async function startMosquitto(...settings: readonly string[]): Promise<Mosquitto> {
  const mosquitto = new Mosquitto(temporaryFolder(), await freePort(), settings);
  onTestFinished(() => mosquitto.stop('SIGKILL'));
  await mosquitto.start();
  return mosquitto;
}
