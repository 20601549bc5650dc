/** Logging in and out: a key, or the one-time token of a link, is traded for a cookie that this page cannot read. */
import type { Session } from '../schemas/api.ts';

const ADDRESS = '/api/v1/session';

/** Who is logged in; null: nobody. Rejects if the broker cannot be reached or is not ready. */
export async function whoIsLoggedIn(): Promise<Session | null> {
  const answer = await fetch(ADDRESS);
  if (answer.status === 401) return null;
  if (!answer.ok) throw new Error(`The broker answers ${answer.status}.`);
  return answer.json();
}

/** Rejects with a sentence for the person who tried. */
export async function logIn(proof: { key: string } | { token: string }): Promise<Session> {
  const answer = await fetch(ADDRESS, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(proof),
  });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail ?? body.title ?? `The broker answers ${answer.status}.`);
  return body;
}

export async function logOut(): Promise<void> {
  await fetch(ADDRESS, { method: 'DELETE' });
}

/** The token of a `#login=<token>` link, which is taken out of the address, so that it is not kept or passed on. */
export function takeLoginToken(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get('login');
  if (token !== null) history.replaceState(null, '', location.pathname + location.search);
  return token;
}
