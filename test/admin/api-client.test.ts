/** The client of the HTTP API that command line, simulator and dashboard share, against a real broker's HTTP side. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { ApiRefusal, ApiUnreachable, answerOf, createApi } from '../../schemas/api/client.ts';
import { startAdmin } from './api.ts';

const pump = { path: { customer: 'acme', device: 'pump-7' } };

/** A server that answers so; null: it cuts the connection in the middle of an answer. */
async function serverThat(
  answer: { status: number; headers?: object; text: string } | null,
): Promise<string> {
  const server = createServer((_request, response) => {
    if (answer) response.writeHead(answer.status, { ...answer.headers }).end(answer.text);
    else response.writeHead(200, { 'content-length': 100 }).write('{', () => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it('gives the answer, and nothing where the answer is empty', async () => {
  const bench = await startAdmin();
  const api = createApi({ url: `http://${bench.host}`, key: 'sbx_olga' });
  expect((await answerOf(api.GET('/session'))).customer).toBe('acme');
  const made = await answerOf(
    api.PUT('/devices/{customer}/{device}', { params: pump, body: { tags: ['a'] } }),
  );
  expect(made).toMatchObject({ device: 'acme/pump-7', tags: ['a'] });
  expect(await answerOf(api.DELETE('/devices/{customer}/{device}', { params: pump }))).toBeUndefined();
});

it('rejects with the problem that the broker tells', async () => {
  const bench = await startAdmin();
  const api = createApi({ url: `http://${bench.host}`, key: 'sbx_vera' });
  const refused = await api.GET('/devices/{customer}/{device}', { params: pump }).catch((error) => error);
  expect(refused).toBeInstanceOf(ApiRefusal);
  expect(refused).toMatchObject({
    status: 404,
    problem: { code: 'not-found' },
    message: 'No such thing: There is no device that this key may see.',
  });
});

it('takes what no broker says for no answer of one', async () => {
  for (const [status, text] of [
    [200, '<html>'],
    [502, 'Bad gateway'],
    [404, '{"message":"none"}'],
  ] as const) {
    const api = createApi({ url: await serverThat({ status, text }) });
    await expect(api.GET('/stats')).rejects.toMatchObject({ name: 'ApiRefusal', status, problem: null });
  }
});

it('does not follow a redirect, and says where it points', async () => {
  const headers = { location: 'http://127.0.0.1:1/elsewhere' };
  const api = createApi({ url: await serverThat({ status: 307, headers, text: '' }) });
  await expect(api.GET('/stats')).rejects.toMatchObject({ status: 307, location: headers.location });
});

it('says why no answer came, also when it broke off', async () => {
  const broken = createApi({ url: await serverThat(null) });
  await expect(broken.GET('/stats')).rejects.toThrow(ApiUnreachable);
  const bench = await startAdmin();
  const gone = createApi({ url: `http://${bench.host}` });
  await bench.stop();
  await expect(gone.GET('/stats')).rejects.toThrow(/ECONNREFUSED/);
});

it('rejects with what the caller aborted it with', async () => {
  const bench = await startAdmin();
  const api = createApi({ url: `http://${bench.host}`, key: 'sbx_vera' });
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(api.GET('/stats', { signal })).rejects.toThrow('enough');
});
