/** The section `mqtt` of the configuration: the bridge, commands that come over it, Home Assistant. A part of `config.ts`. */
import Type from 'typebox';
import { METRIC_NAME } from './frames.ts';
import { ID } from './names.ts';

const count = (description: string, value: number, minimum = 0) =>
  Type.Integer({ description, default: value, minimum });
const setting = (description: string, value = '') => Type.String({ description, default: value });
const inOrder = (topic: string) =>
  Type.Union([Type.Literal('each'), Type.Literal('newest'), Type.Literal('off')], {
    description: `${topic}: each message, only the newest of a topic when the peer lags behind, or none.`,
    default: 'each',
  });
const lastKnown = (topic: string) =>
  Type.Union([Type.Literal('newest'), Type.Literal('off')], {
    description: `${topic}: published when it changes, or not at all.`,
    default: 'newest',
  });
/** No QoS 2: a message that is read from the log again after a crash comes twice, whatever the QoS. */
const qos = (topic: string) =>
  Type.Integer({ description: `QoS of ${topic}.`, default: 1, minimum: 0, maximum: 1 });
const retain = (topic: string, value: boolean) =>
  Type.Boolean({
    description: `Whether the peer keeps the last ${topic} for late subscribers.`,
    default: value,
  });

/** `writeOnly`: holds a secret, or may; its value is not shown where it is wrong. */
export const Mqtt = Type.Object(
  {
    url: Type.String({
      description:
        'MQTT servers, tried in this order, separated by spaces or commas: mqtt://, mqtts://, ws:// or wss://. Empty: no bridge.',
      default: '',
      writeOnly: true,
      examples: ['mqtt://192.0.2.1:1883'],
      pattern: '^$|^[ ,]*(mqtts?|wss?)://[^ ,/]+[^ ,]*([ ,]+(mqtts?|wss?)://[^ ,/]+[^ ,]*)*[ ,]*$',
    }),
    baseTopic: Type.String({
      description: 'What all topics begin with.',
      default: 'signalbox',
      pattern: '^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$',
    }),
    clientId: Type.String({
      description: 'Client id at the MQTT server; two bridges with the same one throw each other out.',
      default: 'signalbox',
      minLength: 1,
    }),
    username: setting('User at the MQTT server.'),
    password: Type.String({
      description: 'Its password; better in a file that SIGNALBOX_MQTT_PASSWORD_FILE names.',
      default: '',
      writeOnly: true,
    }),
    caFile: setting('PEM file of the CA that signed the server; empty: those that Node.js knows.'),
    certFile: setting('PEM file of the client certificate.'),
    keyFile: setting('PEM file of its key.'),
    protocol: Type.Union([Type.Literal('auto'), Type.Literal('mqtt5'), Type.Literal('mqtt3.1.1')], {
      description: 'auto: MQTT 5, and 3.1.1 with a server that refuses it.',
      default: 'auto',
    }),
    sessionExpirySeconds: count(
      'How long an MQTT 5 server keeps commands for a bridge that is away. With 3.1.1 it keeps none.',
      3600,
    ),
    keepaliveSeconds: Type.Integer({
      description: 'Seconds between pings; after half of that without an answer the connection is left.',
      default: 30,
      minimum: 1,
      maximum: 65535,
    }),
    ackSeconds: count('Seconds after which a server that acknowledges nothing is left.', 30, 1),
    reconnectSeconds: count('The longest pause between two attempts to connect.', 30, 1),
    inFlight: Type.Integer({
      description: 'Messages that the server has not acknowledged at once.',
      default: 1000,
      minimum: 1,
      maximum: 60000,
    }),
    telemetry: inOrder('telemetry'),
    telemetryQos: qos('telemetry'),
    telemetryRetain: retain('sample', false),
    event: inOrder('event'),
    eventQos: qos('event'),
    eventRetain: retain('event', false),
    state: lastKnown('state'),
    stateQos: qos('state'),
    stateRetain: retain('state', true),
    availability: lastKnown('availability'),
    availabilityQos: qos('availability'),
    availabilityRetain: retain('availability', true),
    commandCustomers: Type.Array(Type.String({ pattern: `^(\\*|${ID})$` }), {
      description: 'Customers whose devices may be commanded over MQTT; * for all of them.',
      default: [],
    }),
    homeAssistant: Type.Boolean({
      description: 'Announce devices to Home Assistant (MQTT discovery).',
      default: false,
    }),
    homeAssistantPrefix: Type.String({
      description: 'Its discovery prefix.',
      default: 'homeassistant',
      pattern: '^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$',
    }),
    homeAssistantMetrics: Type.Array(
      Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_.-]{0,63}=[^:]*(:[a-z_]*)?(:[a-z_]*)?$' }),
      {
        description:
          'What metrics mean, as metric=unit:device class:state class, such as temp=°C:temperature; a device may declare it in hello.meta as unit:temp and class:temp.',
        default: [],
      },
    ),
    homeAssistantButtons: Type.Array(Type.String({ pattern: METRIC_NAME }), {
      description: 'Commands that Home Assistant shows as buttons.',
      default: [],
    }),
  },
  { additionalProperties: false, default: {} },
);
