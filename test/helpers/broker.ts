/** A whole broker in this process, on a free port, with its data in a folder of the test's. */
import { onTestFinished } from 'vitest';
import { Broker } from '../../broker/broker.ts';
import type { Environment } from '../../broker/compose.ts';
import { systemEnvironment } from '../../broker/main.ts';
import type { Role } from '../../schemas/roles.ts';
import { type Overrides, testConfig } from './config.ts';
import { silentLog } from './log.ts';
import { temporaryFolder } from './temporary.ts';

export interface TestBroker {
  readonly broker: Broker;
  readonly url: string;
  readonly data: string;
  /** A new key's text. */
  key(role: Role, customer: string, device?: string): Promise<string>;
}

export interface TestBrokerOptions {
  readonly data?: string;
  readonly config?: Overrides;
  readonly environment?: Partial<Environment>;
  /** A built dashboard to serve. */
  readonly dashboardFolder?: string;
}

/** Started; stopped when the test is over. */
export async function startBroker(options: TestBrokerOptions = {}): Promise<TestBroker> {
  const data = options.data ?? temporaryFolder();
  const config = testConfig(data, options.config);
  const environment = { ...systemEnvironment, ...options.environment };
  const { dashboardFolder = null } = options;
  const broker = new Broker({ config, logger: silentLog, environment, dashboardFolder });
  onTestFinished(() => broker.stop());
  await broker.start();
  const key = async (role: Role, customer: string, device?: string): Promise<string> => {
    const request = { customer, device: device ?? null, role, label: null, expiresAt: null };
    return (await broker.parts.keys.create(request)).key;
  };
  return { broker, url: broker.url, data, key };
}
