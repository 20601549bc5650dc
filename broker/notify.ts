/**
 * Tells systemd how the service is (sd_notify(3)) without native packages: Node sends no Unix datagrams, so one
 * long-lived shell reads lines from a pipe and calls `systemd-notify` for each. Spawning from this process would copy
 * its page tables each time and was seen to stall the loop by 40 to 100 ms; the shell is small. Owns that child.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import type { Logger } from './base/logger.ts';

export interface NotifierParts {
  /** `$NOTIFY_SOCKET`; without it nothing is told. */
  readonly socket: string | undefined;
  readonly logger: Logger;
}

/** `--pid` names the broker, not the shell; the unit allows that with NotifyAccess=all. */
const SCRIPT =
  'while IFS= read -r line; do systemd-notify --pid="$PPID" "$line" || echo "systemd-notify failed: $line" >&2; done';

export class ServiceNotifier {
  private readonly parts: NotifierParts;
  private child: ChildProcessByStdio<Writable, null, null> | null = null;

  constructor(parts: NotifierParts) {
    this.parts = parts;
  }

  start(): void {
    if (!this.parts.socket || this.child) return;
    const { logger, socket } = this.parts;
    const env = { PATH: process.env.PATH, NOTIFY_SOCKET: socket };
    // Detached: a Ctrl-C for the broker's group must not take the messenger away before the last message.
    this.child = spawn('/bin/sh', ['-c', SCRIPT], {
      stdio: ['pipe', 'ignore', 'inherit'],
      detached: true,
      env,
    });
    this.child.on('error', (error) =>
      logger.warn({ err: error }, 'systemd cannot be told how the service is.'),
    );
    this.child.stdin.on('error', (error) =>
      logger.warn({ err: error }, 'systemd cannot be told how the service is.'),
    );
  }

  ready(): void {
    this.tell('READY=1');
  }

  stopping(): void {
    this.tell('STOPPING=1');
  }

  /** One line for `systemctl status`. */
  status(text: string): void {
    this.tell(`STATUS=${text.replaceAll('\n', ' ')}`);
  }

  /** Waits until what was told has gone out. Idempotent. */
  async stop(): Promise<void> {
    const { child } = this;
    this.child = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      child.once('close', () => resolve());
      child.stdin.end();
    });
  }

  private tell(line: string): void {
    this.child?.stdin.write(`${line}\n`);
  }
}
