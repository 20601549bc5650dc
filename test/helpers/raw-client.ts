/** A TCP client that says what the test says and never closes by itself: half-open where the broker ends its side. */
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export class RawClient {
  readonly socket: Socket;
  /** The broker has ended its side, or cut the connection off. */
  readonly ended: Promise<unknown>;
  readonly closed: Promise<unknown>;
  received = '';
  private more: (() => void) | null = null;

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    this.socket.on('error', () => {});
    this.socket.on('data', (data) => {
      this.received += data.toString('latin1');
      this.more?.();
    });
    this.ended = new Promise<void>((resolve) => {
      for (const event of ['end', 'close']) this.socket.once(event, () => resolve());
    });
    this.closed = new Promise((resolve) => this.socket.once('close', resolve));
    onTestFinished(() => void this.socket.destroy());
  }

  say(...lines: string[]): this {
    this.socket.write(lines.join('\r\n'));
    return this;
  }

  /** Resolves once so many answers have begun. */
  async answers(count: number): Promise<string[]> {
    for (;;) {
      const statuses = this.received.match(/HTTP\/1\.1 \d{3}/g) ?? [];
      if (statuses.length >= count) return statuses.map((status) => status.slice(-3));
      await new Promise<void>((resolve) => {
        this.more = resolve;
      });
    }
  }
}
