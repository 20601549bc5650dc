/** One suite for every engine: what a room may rely on must not depend on where the bytes go. */
import { describe, expect, it } from 'vitest';
import { auditContract } from './audit-contract.ts';
import { commandContract } from './command-contract.ts';
import { databaseContract } from './database-contract.ts';
import { desiredContract } from './desired-contract.ts';
import { startStores } from './harness.ts';
import { jobContract } from './job-contract.ts';
import { telemetryLogContract } from './log-contract.ts';
import { registryContract } from './registry-contract.ts';

const DURABILITY = { files: 'power', memory: 'process' } as const;

describe.each(['files', 'memory'] as const)('the %s engine', (engine) => {
  it('says what its "durable" means', async () => {
    const { stores } = await startStores({ engine });
    expect(stores.log.durability).toBe(DURABILITY[engine]);
    expect(stores.database.durability).toBe(DURABILITY[engine]);
  });

  describe('the log', () => telemetryLogContract(engine));
  describe('the database', () => databaseContract(engine));
  describe('commands', () => commandContract(engine));
  describe('jobs', () => jobContract(engine));
  describe('desired state', () => desiredContract(engine));
  describe('registered devices', () => registryContract(engine));
  describe('the audit', () => auditContract(engine));
});
