/** Logs in and out: trades a key, or the one-time token of a link, for a cookie that this page cannot read. */
import type { Session } from '../schemas/api.ts';
import { ApiProblem, api, ask } from './api.ts';

/** Who is logged in; null: nobody. Rejects if the broker cannot be reached or is not ready. */
export async function whoIsLoggedIn(): Promise<Session | null> {
  try {
    return await ask(api.GET('/session'));
  } catch (error) {
    if (error instanceof ApiProblem && error.status === 401) return null;
    throw error;
  }
}

/** Rejects with a sentence for the person who tried. */
export function logIn(proof: { key: string } | { token: string }): Promise<Session> {
  return ask(api.POST('/session', { body: proof }));
}

/** Rejects if the broker cannot be reached. One that refuses knows no login any more. */
export async function logOut(): Promise<void> {
  try {
    await ask(api.DELETE('/session'));
  } catch (error) {
    if (error instanceof ApiProblem && error.status !== null) return;
    throw error;
  }
}

/** The token of a `#login=<token>` link, which is taken out of the address, so that it is not kept or passed on. */
export function takeLoginToken(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get('login');
  if (token !== null) history.replaceState(null, '', location.pathname + location.search);
  return token;
}
