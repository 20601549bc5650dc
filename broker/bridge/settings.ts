/** From the section `mqtt` of the configuration to what the bridge's parts take. Pure. */
import type { Config } from '../../schemas/config.ts';
import type { WorkerOptions } from './messages.ts';
import { parseServers } from './mqtt/servers.ts';
import type { MqttSessionOptions } from './mqtt/session.ts';
import type { RetainedRoute } from './retained-feed.ts';
import type { LogRoute, LogRoutes } from './thread/log-messages.ts';
import { type DeviceRoute, statusTopic } from './topics.ts';

export type MqttConfig = Config['mqtt'];

/** Throws RangeError for a server that is no address. */
export function workerOptions(config: MqttConfig, filters: readonly string[]): WorkerOptions {
  return {
    peer: peerOptions(config),
    baseTopic: config.baseTopic,
    routes: logRoutes(config),
    inFlight: config.inFlight,
    ackMs: config.ackSeconds * 1000,
    filters,
  };
}

export function retainedRoutes(config: MqttConfig): { state: RetainedRoute; availability: RetainedRoute } {
  const { state, stateQos, stateRetain, availability, availabilityQos, availabilityRetain } = config;
  return {
    state: { mode: state, qos: qos(stateQos), retain: stateRetain },
    availability: { mode: availability, qos: qos(availabilityQos), retain: availabilityRetain },
  };
}

/** Routes of which the peer holds something of each device. */
export function routesHeld(config: MqttConfig): DeviceRoute[] {
  const routes = { ...logRoutes(config), ...retainedRoutes(config) };
  return (Object.keys(routes) as DeviceRoute[]).filter(
    (name) => routes[name].mode !== 'off' && routes[name].retain,
  );
}

function logRoutes(config: MqttConfig): LogRoutes {
  const { telemetry, telemetryQos, telemetryRetain, event, eventQos, eventRetain } = config;
  const route = (mode: LogRoute['mode'], level: number, retain: boolean): LogRoute => ({
    mode,
    qos: qos(level),
    retain,
  });
  return {
    telemetry: route(telemetry, telemetryQos, telemetryRetain),
    event: route(event, eventQos, eventRetain),
  };
}

function peerOptions(config: MqttConfig): MqttSessionOptions {
  const { caFile, certFile, keyFile, clientId, username, password, protocol } = config;
  return {
    servers: parseServers(config.url),
    tls: { caFile, certFile, keyFile },
    clientId,
    username,
    password,
    protocol,
    keepaliveSeconds: config.keepaliveSeconds,
    sessionExpirySeconds: config.sessionExpirySeconds,
    reconnectMs: config.reconnectSeconds * 1000,
    will: { topic: statusTopic(config.baseTopic), payload: 'offline' },
  };
}

function qos(level: number): 0 | 1 {
  return level === 0 ? 0 : 1;
}
