/** A subscriber with a session of its own that survives the server: the ledger of what the peer was given. */
import { connect, connectAsync, type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt';
import { onTestFinished } from 'vitest';

export interface Received {
  readonly topic: string;
  readonly text: string;
  readonly retain: boolean;
  readonly packet: IPublishPacket;
}

export class Subscriber {
  readonly client: MqttClient;
  readonly received: Received[] = [];
  private waiting: { readonly until: (all: readonly Received[]) => boolean; readonly resolve: () => void }[] =
    [];

  constructor(client: MqttClient) {
    this.client = client;
    client.on('message', (topic, payload, packet) => {
      this.received.push({ topic, text: payload.toString(), retain: packet.retain, packet });
      const done = this.waiting.filter(({ until }) => until(this.received));
      this.waiting = this.waiting.filter((one) => !done.includes(one));
      for (const { resolve } of done) resolve();
    });
  }

  /** Resolves when what was received is enough. */
  until(enough: (all: readonly Received[]) => boolean): Promise<void> {
    if (enough(this.received)) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push({ until: enough, resolve }));
  }

  /** The next message on a topic, or the newest that came already. */
  async on(topic: string, text?: string): Promise<Received> {
    const fits = (one: Received) => one.topic === topic && (text === undefined || one.text === text);
    await this.until((all) => all.some(fits));
    return this.received.findLast(fits) as Received;
  }

  texts(topic: string): string[] {
    return this.received.filter((one) => one.topic === topic).map(({ text }) => text);
  }
}

/** Connected and subscribed; comes back by itself after the server was away. */
export async function subscribe(
  url: string,
  filters: string[],
  options: IClientOptions = {},
): Promise<Subscriber> {
  const clientId = `ledger-${process.pid}-${Math.round(performance.now() * 1000)}`;
  const client = connect(url, {
    clientId,
    clean: false,
    protocolVersion: 5,
    properties: { sessionExpiryInterval: 600, receiveMaximum: 65_535 },
    reconnectPeriod: 50,
    ...options,
  });
  onTestFinished(() => client.endAsync(true));
  const subscriber = new Subscriber(client);
  await new Promise<void>((resolve) => client.once('connect', () => resolve()));
  await client.subscribeAsync(filters, { qos: 1 });
  return subscriber;
}

/** Devices of which the server retains both state and availability, or either; in order. */
export async function retainedDevices(url: string): Promise<string[]> {
  const end = `end/${Math.round(performance.now() * 1000)}`;
  const client = await connectAsync(url);
  const devices = new Set<string>();
  const whole = new Promise<void>((resolve) => {
    client.on('message', (topic, payload, { retain }) => {
      if (topic === end) resolve();
      else if (retain && payload.length > 0) devices.add(topic.split('/')[2] as string);
    });
  });
  await client.subscribeAsync(['signalbox/acme/+/state', 'signalbox/acme/+/availability', end], { qos: 1 });
  // The server has sent what it retains before it comes to this.
  await client.publishAsync(end, '', { qos: 1 });
  await whole;
  await client.endAsync();
  return [...devices].sort();
}
