/** What Home Assistant is told of a device, held against its documented device discovery payload. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import {
  announcedDevice,
  configuredMetadata,
  type DiscoveredDevice,
  discoveryPayload,
  entityKind,
} from '../../broker/bridge/home-assistant/discovery.ts';
import { discoveryTopic } from '../../broker/bridge/topics.ts';
import { fc } from '../helpers/fast-check.ts';

/**
 * The parts of the documented format that are used here (home-assistant.io, MQTT integration, "Device discovery payload"):
 * device and origin are required, each component has a platform and a unique id, and what its platform requires.
 */
const DOCUMENTED = new Ajv2020({ strict: false }).compile({
  type: 'object',
  required: ['device', 'origin', 'components'],
  properties: {
    device: {
      type: 'object',
      required: ['identifiers', 'name'],
      properties: { identifiers: { type: 'array', items: { type: 'string' }, minItems: 1 } },
    },
    origin: { type: 'object', required: ['name'] },
    qos: { enum: [0, 1, 2] },
    components: {
      type: 'object',
      additionalProperties: {
        required: ['platform', 'unique_id', 'name'],
        oneOf: [
          {
            properties: {
              platform: { const: 'sensor' },
              state_class: { enum: ['measurement', 'total', 'total_increasing'] },
            },
            required: ['state_topic', 'value_template'],
          },
          { properties: { platform: { const: 'binary_sensor' } }, required: ['state_topic'] },
          { properties: { platform: { const: 'button' } }, required: ['command_topic'] },
        ],
        properties: {
          availability: {
            type: 'array',
            items: { type: 'object', required: ['topic'], properties: { topic: { type: 'string' } } },
          },
          availability_mode: { enum: ['all', 'any', 'latest'] },
        },
      },
    },
  },
});

const PUMP: DiscoveredDevice = {
  customer: 'acme',
  id: 'pump-7',
  model: 'CP-40',
  firmware: '2.3.1',
  meta: null,
  metrics: new Map([
    ['temp', 'number'],
    ['running', 'boolean'],
    ['mode', 'text'],
  ]),
};

const OPTIONS = {
  baseTopic: 'signalbox',
  version: '1.2.3',
  metadata: configuredMetadata(['temp=°C:temperature', 'energy=kWh:energy:total_increasing']),
  buttons: ['reboot'],
};

const told = (device: Partial<DiscoveredDevice> = {}) =>
  JSON.parse(discoveryPayload({ ...PUMP, ...device }, OPTIONS));

describe('a device', () => {
  it('is described in the documented format, whatever it measures', () => {
    const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/);
    const metrics = fc.dictionary(name, fc.constantFrom('number', 'boolean', 'text'));
    fc.assert(
      fc.property(metrics, (kinds) => {
        const payload = told({ metrics: new Map(Object.entries(kinds)) as DiscoveredDevice['metrics'] });
        expect(DOCUMENTED(payload), JSON.stringify(DOCUMENTED.errors)).toBe(true);
        const ids = Object.values<{ unique_id: string }>(payload.components).map((one) => one.unique_id);
        expect(new Set(ids).size).toBe(ids.length);
      }),
    );
  });

  it('has its topic, its model and its firmware', () => {
    expect(discoveryTopic('homeassistant', 'acme', 'pump-7')).toBe('homeassistant/device/acme_pump-7/config');
    expect(told().device).toEqual({
      identifiers: ['signalbox/acme/pump-7'],
      name: 'acme pump-7',
      model: 'CP-40',
      sw_version: '2.3.1',
    });
  });

  it('is never mistaken for another one whose names join to the same text', () => {
    const one = told({ customer: 'a_b', id: 'c' });
    const other = told({ customer: 'a', id: 'b_c' });
    expect(one.device.identifiers).not.toEqual(other.device.identifiers);
    expect(one.components.temp.unique_id).not.toBe(other.components.temp.unique_id);
  });
});

describe('its entities', () => {
  it('are sensors with unit and class as configured', () => {
    expect(told().components.temp).toEqual({
      platform: 'sensor',
      unique_id: 'signalbox/acme/pump-7/temp',
      name: 'temp',
      state_topic: 'signalbox/acme/pump-7/state',
      value_template: "{{ value_json['temp'] }}",
      device_class: 'temperature',
      unit_of_measurement: '°C',
      state_class: 'measurement',
      availability: [{ topic: 'signalbox/bridge/status' }, { topic: 'signalbox/acme/pump-7/availability' }],
      availability_mode: 'all',
    });
    const energy = told({ metrics: new Map([['energy', 'number']]) }).components.energy;
    expect(energy).toMatchObject({ state_class: 'total_increasing', device_class: 'energy' });
  });

  it('follow what the device declares in its hello before what is configured', () => {
    const meta = { 'unit:temp': 'K', 'class:temp': 'temperature', 'unit:mode': 7 };
    const { temp, mode } = told({ meta }).components;
    expect(temp.unit_of_measurement).toBe('K');
    expect(mode).not.toHaveProperty('unit_of_measurement');
  });

  it('are binary sensors for what is true or false, and plain ones for text', () => {
    const { running, mode } = told().components;
    expect(running).toMatchObject({
      platform: 'binary_sensor',
      value_template: "{{ 'ON' if value_json['running'] else 'OFF' }}",
    });
    expect(mode).not.toHaveProperty('state_class');
  });

  it('say whether the device is connected also while it is not', () => {
    expect(told().components['/connectivity']).toMatchObject({
      device_class: 'connectivity',
      payload_on: 'online',
      payload_off: 'offline',
      availability: [{ topic: 'signalbox/bridge/status' }],
    });
  });

  it('are all there though a metric is called like one of ours', () => {
    const names = ['connectivity', 'command_reboot'];
    const { components } = told({ metrics: new Map(names.map((name) => [name, 'number'])) });
    expect(Object.keys(components)).toHaveLength(4);
  });

  it('have a button for each configured command', () => {
    expect(told().components['/command/reboot']).toMatchObject({
      platform: 'button',
      command_topic: 'signalbox/acme/pump-7/command/reboot',
      payload_press: '',
    });
  });

  it.each([
    [21.5, 'number'],
    [false, 'boolean'],
    ['auto', 'text'],
    [new Uint8Array(2), null],
    [[1, 2], null],
    [{ a: 1 }, null],
    [null, null],
  ])('come from the value: %j is %j', (value, kind) => {
    expect(entityKind(value)).toBe(kind);
  });
});

describe('a message that a server holds', () => {
  const options = { baseTopic: 'signalbox', version: '0', metadata: new Map(), buttons: [] };
  const device = {
    customer: 'acme',
    id: 'pump_7',
    model: null,
    firmware: null,
    meta: null,
    metrics: new Map(),
  };
  const payload = discoveryPayload(device, options);

  it('tells whose it is, if this bridge has made it', () => {
    expect(announcedDevice(Buffer.from(payload), 'signalbox')).toBe('acme/pump_7');
  });

  it.each([
    ['of a bridge with another base topic', payload, 'other'],
    ['of another program', '{"components":{"temp":{"state_topic":"zigbee/x"}}}', 'signalbox'],
    ['that is no JSON', 'gone', 'signalbox'],
    ['that is empty', '', 'signalbox'],
  ])('%s is nobody', (_what, text, baseTopic) => {
    expect(announcedDevice(Buffer.from(text), baseTopic)).toBeNull();
  });
});
