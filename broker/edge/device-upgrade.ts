/**
 * Turns a request to `/v1/device` into a device session. It checks what the device asks for step by step, its key and
 * the places that are left before the upgrade (P-1.1 to P-1.5), so that nobody gets a socket without a key. Owns the
 * counts of connections (`Admission`) and the options of ws, each of which is set on purpose.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ServerOptions, WebSocketServer } from 'ws';
import type { Config } from '../../schemas/config.ts';
import { type Problem, problem } from '../../schemas/problems.ts';
import { clientAddress } from '../access/address.ts';
import { refusalOf } from '../access/caller.ts';
import { presentedKey } from '../access/credentials.ts';
import type { FailedAttempts } from '../access/failed-attempts.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { TokenBucket } from '../base/token-bucket.ts';
import type { Counters } from '../hub/counters.ts';
import type { Fleet } from '../hub/fleet/fleet.ts';
import { ID_PATTERN } from '../hub/fleet/topics.ts';
import type { Sessions } from '../session/sessions.ts';
import type { KeyRow } from '../store/ports.ts';
import { Admission, type Applicant } from './admission.ts';
import type { ConnectionPlan } from './connection-plan.ts';
import { DeviceSocket } from './device-socket.ts';
import { checkHandshake, type NewerOptions, refuseUpgrade } from './handshake.ts';

export const SUBPROTOCOL = 'signalbox.v1';

interface DeviceRequest {
  readonly key: KeyRow;
  readonly device: string;
}

interface RequestRules {
  readonly keyInUrl: boolean;
  authenticate(key: string): KeyRow | null;
}

/** The identity that the request proves, or the problem to answer with. */
function readDeviceRequest(request: IncomingMessage, rules: RequestRules): DeviceRequest | Problem {
  const query = new URL(request.url ?? '/', 'http://broker').searchParams;
  const early = checkHandshake(request) ?? checkSubprotocol(request) ?? checkKeyPlace(query, rules);
  if (early) return early;
  // Without a key it fails like with any other wrong one.
  const key = rules.authenticate(presentedKey(request.headers) ?? query.get('key') ?? '');
  if (!key) {
    return problem(
      'unauthorized',
      'The key is unknown, malformed, expired or revoked; send a valid one in Authorization: Bearer.',
    );
  }
  const refusal = refusalOf(key.role, 'connect');
  if (refusal !== null) return problem('forbidden', refusal);
  return nameDevice(key, query.get('device'));
}

/** P-1.1: offering others without ours is refused; offering none is accepted. */
function checkSubprotocol(request: IncomingMessage): Problem | null {
  const offered = request.headers['sec-websocket-protocol'];
  if (offered === undefined) return null;
  if (offered.split(',').some((name) => name.trim() === SUBPROTOCOL)) return null;
  return problem('bad-subprotocol', `Offer the subprotocol ${SUBPROTOCOL}, or none.`);
}

/** P-1.2: in the URL the key would reach access logs. */
function checkKeyPlace(query: URLSearchParams, rules: RequestRules): Problem | null {
  if (!query.has('key') || rules.keyInUrl) return null;
  return problem(
    'key-in-url',
    'Send the key in the header Authorization: Bearer <key> or X-API-Key, not as ?key=; URLs reach access logs.',
  );
}

/** P-1.3: a device's own key names it; with a fleet key it names itself. */
function nameDevice(key: KeyRow, named: string | null): DeviceRequest | Problem {
  if (named !== null && !ID_PATTERN.test(named)) {
    return problem('device-id-invalid', 'A device id matches ^[A-Za-z0-9_-]{1,64}$.');
  }
  if (key.device === null) {
    if (named === null)
      return problem('device-missing', 'This is a fleet key: name the device with ?device=<id>.');
    return { key, device: named };
  }
  if (named !== null && named !== key.device) {
    return problem('device-mismatch', `This key belongs to the device ${key.device}.`);
  }
  return { key, device: key.device };
}

/** P-2.2: the largest frame. */
export const FRAME_BYTES = 65536;
const NOTHING = Buffer.alloc(0);
/** Pings and pongs a second that a device may send; a second's worth at once. */
const CONTROL_FRAMES_A_SECOND = 20;
/** Seconds until a device that is one too many has a chance: somebody must act first. */
const RETRY_NEW_DEVICE = 300;

const OPTIONS: ServerOptions<typeof DeviceSocket> & NewerOptions = {
  noServer: true,
  WebSocket: DeviceSocket,
  clientTracking: false,
  // P-1.1: none; it costs 300 KiB a connection and invites bombs.
  perMessageDeflate: false,
  maxPayload: FRAME_BYTES,
  // P-7.2: a frame in more pieces than these is abuse.
  maxFragments: 128,
  maxBufferedChunks: 4096,
  // Pings are answered by the socket, one answer for all that come together (device-socket.ts).
  autoPong: false,
  // A peer that does not answer a close is cut off; ws's own 30 s would keep a dead socket as long.
  closeTimeout: 2000,
  handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
};

export interface DeviceUpgradeParts {
  readonly keys: { authenticate(key: string): KeyRow | null };
  readonly fleet: Fleet;
  readonly sessions: Sessions;
  readonly counters: Counters;
  readonly failures: Pick<FailedAttempts, 'add'>;
  readonly config: Pick<Config, 'devices' | 'limits' | 'server'>;
  readonly plan: Pick<ConnectionPlan, 'cut'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sessionId: () => string;
  /** Why no connection can be taken now; null: it can. */
  readonly unavailable: () => Problem | null;
}

export class DeviceUpgrade {
  private readonly parts: DeviceUpgradeParts;
  private readonly admission: Admission;
  private readonly server = new WebSocketServer(OPTIONS);

  constructor(parts: DeviceUpgradeParts) {
    this.parts = parts;
    this.admission = new Admission(parts.config.limits, parts.plan, parts.clock);
  }

  /** Whether the socket is a device's now; otherwise it was refused. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    const { keys, config } = this.parts;
    const identity = readDeviceRequest(request, {
      keyInUrl: config.devices.keyInUrl,
      authenticate: (key) => keys.authenticate(key),
    });
    if ('key' in identity) return this.admit(request, socket, head, identity);
    refuseUpgrade(this.parts, request, socket, identity, 'device');
    return false;
  }

  private admit(request: IncomingMessage, socket: Duplex, head: Buffer, identity: DeviceRequest): boolean {
    const { config, fleet, unavailable } = this.parts;
    const { key, device } = identity;
    const applicant = {
      customer: key.customer,
      key: key.id,
      address: clientAddress(request, config.server.trustedProxies),
    };
    const replacing = fleet.memberOf(key.customer, device) ? 1 : 0;
    const refusal = unavailable() ?? this.oneTooMany(identity) ?? this.admission.admit(applicant, replacing);
    if (!refusal) return this.complete(request, socket, head, identity, applicant);
    refuseUpgrade(this.parts, request, socket, refusal, 'device');
    return false;
  }

  /**
   * A fleet key makes devices by naming them; those that are known always come in, and so does one with a key of its
   * own.
   */
  private oneTooMany({ key, device }: DeviceRequest): Problem | null {
    const { config, fleet } = this.parts;
    const { devicesPerCustomer } = config.limits;
    if (key.device !== null || fleet.find(key.customer, device) || fleet.memberOf(key.customer, device))
      return null;
    if (fleet.countOf(key.customer) < devicesPerCustomer) return null;
    const detail =
      `The device is not known, and the limit limits.devicesPerCustomer of ${devicesPerCustomer} is reached; ` +
      'ask the operator to raise it, or to forget devices that are gone.';
    return problem('too-many-devices', detail, {
      limit: 'limits.devicesPerCustomer',
      retryAfter: RETRY_NEW_DEVICE,
    });
  }

  private complete(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    identity: DeviceRequest,
    applicant: Applicant,
  ): boolean {
    // Whatever happens between here and the session's end, the place is given back once.
    socket.once('close', () => this.admission.release(applicant));
    let opened = false;
    this.server.handleUpgrade(request, socket, NOTHING, (webSocket) => {
      opened = true;
      // An HTTP server's sockets are these, or TLS's, which are such.
      webSocket.takeOver(socket as Socket);
      this.open(webSocket, head, identity);
    });
    return opened;
  }

  private open(webSocket: DeviceSocket, head: Buffer, { key, device }: DeviceRequest): void {
    const { fleet, sessions, clock, sessionId } = this.parts;
    const identity = { session: sessionId(), keyId: key.id, device: fleet.arrive(key.customer, device) };
    const session = sessions.open(identity, webSocket);
    const controlRate = new TokenBucket(CONTROL_FRAMES_A_SECOND, clock.monotonic());
    webSocket.attach(session, head, controlRate, (reason, said) => sessions.closed(session, reason, said));
  }
}
