/**
 * Plans how many connections of each kind there may be, given how many files the process may open: each connection is a
 * descriptor, and the store must always get its own. What the configuration wants and the system does not allow is cut
 * here, before anybody connects. Pure.
 */
export interface ConnectionLimits {
  readonly connections: number;
  readonly viewers: number;
  readonly httpConnections: number;
  readonly httpConnectionsPerAddress: number;
}

export interface ConnectionPlan extends ConnectionLimits {
  /** What is less than configured, for want of open files. */
  readonly cut: readonly string[];
  /** Sockets in all; null: the system sets no limit that we know of. */
  readonly sockets: number | null;
}

/**
 * Descriptors that are not for connections: a quiet broker has about 40 open; segments, SQLite and MQTT come and go.
 */
const RESERVED = 128;

/** `openFiles`: the most descriptors that this process may have; null: not known. */
export function planConnections(openFiles: number | null, limits: ConnectionLimits): ConnectionPlan {
  const { connections, viewers, httpConnections, httpConnectionsPerAddress } = limits;
  const wanted = { connections, viewers, httpConnections, httpConnectionsPerAddress };
  if (openFiles === null) return { ...wanted, sockets: null, cut: [] };
  const sockets = Math.max(openFiles - RESERVED, Math.floor(openFiles / 2));
  if (connections + viewers + httpConnections <= sockets) return { ...wanted, sockets, cut: [] };
  const http = Math.min(httpConnections, Math.ceil(sockets / 4), Math.max(64, Math.ceil(sockets / 8)));
  const live = Math.min(viewers, Math.ceil(sockets / 8));
  const possible: ConnectionLimits = {
    connections: Math.max(1, Math.min(connections, sockets - http - live)),
    viewers: live,
    httpConnections: http,
    httpConnectionsPerAddress: Math.min(httpConnectionsPerAddress, Math.ceil(http / 2)),
  };
  const names = Object.keys(wanted) as (keyof ConnectionLimits)[];
  return { ...possible, sockets, cut: names.filter((name) => possible[name] < wanted[name]) };
}

/** What a refusal tells the operator to raise. `limit`: without `limits.` before it. */
export function whatToRaise(limit: string, { cut }: Pick<ConnectionPlan, 'cut'>): string {
  return cut.includes(limit)
    ? 'the open files of the broker (`ulimit -n`, LimitNOFILE=), for want of which it is less than configured'
    : 'it';
}
