import { describe, expect, it } from 'vitest';
import { planConnections, whatToRaise } from '../../broker/edge/connection-plan.ts';

const limits = {
  connections: 20_000,
  viewers: 500,
  httpConnections: 4096,
  httpConnectionsPerAddress: 2048,
};

describe('the plan of connections', () => {
  it('is what the configuration says where the system allows it', () => {
    expect(planConnections(null, limits)).toEqual({ ...limits, sockets: null, cut: [] });
    expect(planConnections(65_536, limits)).toEqual({ ...limits, sockets: 65_408, cut: [] });
  });

  it.each([64, 256, 1024, 4096, 20_000])('of %i open files leaves the store its own', (openFiles) => {
    const plan = planConnections(openFiles, limits);
    const { connections, viewers, httpConnections, sockets } = plan;
    expect(connections + viewers + httpConnections).toBeLessThanOrEqual(sockets ?? 0);
    expect(sockets).toBeLessThanOrEqual(openFiles - Math.min(128, openFiles / 2));
    expect(Math.min(connections, viewers, httpConnections)).toBeGreaterThan(0);
    expect(plan.httpConnectionsPerAddress).toBeLessThanOrEqual(httpConnections / 2 + 1);
  });

  it('says what to raise: the limit, or the open files that keep it lower than it is configured', () => {
    const plan = planConnections(1024, { ...limits, connections: 100 });
    expect(plan.cut).toEqual(['viewers', 'httpConnections', 'httpConnectionsPerAddress']);
    expect(whatToRaise('connections', plan)).toBe('it');
    expect(whatToRaise('viewers', plan)).toContain('`ulimit -n`');
  });
});
