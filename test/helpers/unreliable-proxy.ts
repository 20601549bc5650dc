/** A network between devices and the broker that cuts connections when the test says so. Owns its sockets. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export class UnreliableProxy {
  private readonly server = createServer((near) => this.join(near));
  private readonly pairs = new Set<Socket>();
  private target: number | null = null;

  /** Listening; `url` is where devices connect to. Ends with the test. */
  async start(): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    onTestFinished(() => this.stop());
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Where the broker is now; null: nowhere. */
  leadTo(url: string | null): void {
    this.target = url === null ? null : Number(new URL(url).port);
  }

  /** Connections now. */
  get size(): number {
    return this.pairs.size;
  }

  /** Cuts each connection that `chosen` picks, without a word to either end. */
  cut(chosen: () => boolean): void {
    for (const near of this.pairs) if (chosen()) near.resetAndDestroy();
  }

  private join(near: Socket): void {
    near.on('error', () => near.destroy());
    if (this.target === null) {
      near.resetAndDestroy();
      return;
    }
    const far = connect(this.target, '127.0.0.1');
    far.on('error', () => far.destroy());
    this.pairs.add(near);
    near.on('close', () => {
      this.pairs.delete(near);
      far.destroy();
    });
    far.on('close', () => near.destroy());
    near.pipe(far);
    far.pipe(near);
  }

  private stop(): void {
    this.server.close();
    this.cut(() => true);
  }
}
