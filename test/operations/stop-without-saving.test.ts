/** A stop at which the last checkpoint cannot be written, though the store goes on; and a store that fails while the broker starts. */
import { expect, it, onTestFinished } from 'vitest';
import type { Clock, Timer } from '../../broker/base/clock.ts';
import { Broker } from '../../broker/broker.ts';
import type { Environment } from '../../broker/compose.ts';
import { systemEnvironment } from '../../broker/main.ts';
import { FolderLock } from '../../broker/store/open.ts';
import { StoreError } from '../../broker/store/ports.ts';
import { encodeTelemetry } from '../../broker/wire/encode.ts';
import { startBroker } from '../helpers/broker.ts';
import { testConfig } from '../helpers/config.ts';
import { connect } from '../helpers/device.ts';
import { silentLog } from '../helpers/log.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

/** The machine's clock, and the timers that would keep a process from ending. */
function countingClock(): { clock: Clock; repeating: Set<Timer> } {
  const repeating = new Set<Timer>();
  const { clock } = systemEnvironment;
  const every: Clock['every'] = (ms, work) => {
    const timer = clock.every(ms, work);
    const counted = {
      ...timer,
      cancel: () => {
        timer.cancel();
        repeating.delete(counted);
      },
    };
    repeating.add(counted);
    return counted;
  };
  return { clock: { ...clock, every }, repeating };
}

/** Stores whose checkpoints are refused by a fault of ours, which ends nothing else. */
const openStores: Environment['openStores'] = (options) => {
  const stores = systemEnvironment.openStores(options);
  const saveDevices = () => Promise.reject(new Error('the rows do not stand for their position'));
  Object.assign(stores.database, { saveDevices });
  return stores;
};

it('closes everything all the same, says so, and loses nothing that was acknowledged', async () => {
  const data = temporaryFolder();
  const { clock, repeating } = countingClock();
  const broker = new Broker({
    config: testConfig(data),
    logger: silentLog,
    environment: { ...systemEnvironment, clock, openStores },
    dashboardFolder: null,
  });
  onTestFinished(() => broker.stop().catch(() => undefined));
  await broker.start();
  const request = { customer: 'acme', device: 'pump', role: 'device', label: null, expiresAt: null } as const;
  const { key } = await broker.parts.keys.create(request);
  const pump = await connect(broker.url, { key });
  pump.send(encodeTelemetry(1, null, { temp: 20 }));
  await pump.acknowledged(1);

  await expect(broker.stop()).rejects.toThrow('the rows do not stand for their position');
  expect(repeating.size).toBe(0);
  const lock = new FolderLock(data);
  lock.acquire();
  lock.release();

  const { broker: next } = await startBroker({ data });
  const known = next.parts.fleet.find('acme', 'pump');
  expect([...(known?.metrics.changedSince(0) ?? [])]).toMatchObject([{ name: 'temp', value: 20 }]);
});

it('ends a start during which the store failed, before a port is open', async () => {
  let fail: (error: StoreError) => void = () => {};
  const environment: Environment = {
    ...systemEnvironment,
    openStores: (options) => {
      const stores = systemEnvironment.openStores(options);
      const onFailure = stores.onFailure.bind(stores);
      stores.onFailure = (listener) => {
        fail = listener;
        onFailure(listener);
      };
      return stores;
    },
  };
  const config = testConfig(temporaryFolder());
  const broker = new Broker({ config, logger: silentLog, environment, dashboardFolder: null });
  onTestFinished(() => broker.stop().catch(() => undefined));
  // The log was read; the doors open next.
  broker.parts.stats.start = () => fail(new StoreError('database-failed', 'the disk is gone'));
  await expect(broker.start()).rejects.toThrow('the disk is gone');
});
