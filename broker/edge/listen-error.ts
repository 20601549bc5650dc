/** Why the port cannot be opened, in one sentence for the person who starts the broker. */

const REASONS: Readonly<Record<string, (host: string, port: number) => string>> = {
  EADDRINUSE: (host, port) =>
    `Port ${port} of ${host} is in use by another program: stop that one, or choose another port (server.port, --port).`,
  EACCES: (host, port) =>
    `This user may not open port ${port} of ${host}: choose one from 1024 on (server.port, --port).`,
  EADDRNOTAVAIL: (host) => `${host} is no address of this machine (server.host, --host).`,
  ENOTFOUND: (host) => `No address is known for the host name ${host} (server.host, --host).`,
};

export class ListenError extends Error {
  override readonly name = 'ListenError';
  /** Of the system, such as EADDRINUSE. */
  readonly code: string;

  constructor(cause: NodeJS.ErrnoException, host: string, port: number) {
    const code = cause.code ?? 'unknown';
    const sentence = REASONS[code]?.(host, port);
    super(sentence ?? `Port ${port} of ${host} cannot be opened: ${cause.message}.`, { cause });
    this.code = code;
  }
}
