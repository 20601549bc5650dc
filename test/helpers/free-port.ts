/** A port for a server that is told where to listen, or for none at all. */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below what systems hand out by themselves: Linux from 32768, others from 49152. */
const FIRST = 20_000;
const BEYOND = 32_000;

/**
 * Nobody listens there now, nor will anybody who asks for port 0 or connects from somewhere: so it is free as well while
 * the server is away, and a client that tries does not meet itself.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, BEYOND);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EADDRINUSE') throw error;
        return false;
      },
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** The address of a broker that is not there. */
export async function nobodysAddress(): Promise<string> {
  return `http://127.0.0.1:${await freePort()}`;
}
