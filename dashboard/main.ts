/** Starts the page: shows the fleet or a device to somebody who is logged in, and the login form to anybody else. */
import type { Session } from '../schemas/api.ts';
import { element } from './dom.ts';
import { logIn, logOut, takeLoginToken, whoIsLoggedIn } from './login.ts';
import { DashboardPage } from './page.ts';

const RETRY = 3000;

const form = element<HTMLFormElement>('login');
const page = new DashboardPage(() => showLogin('The login has ended; log in again.'));

function showLogin(problem = ''): void {
  page.stop();
  form.hidden = false;
  element('logout').hidden = true;
  element('who').textContent = '';
  element('link').hidden = true;
  element('login-error').textContent = problem;
  element('key').focus();
}

function showPage(session: Session): void {
  const { role, customer } = session;
  form.hidden = true;
  form.reset();
  element('link').hidden = false;
  element('logout').hidden = false;
  element('who').textContent = customer === '*' ? role : `${role} of ${customer}`;
  page.start(session);
}

async function begin(): Promise<void> {
  const token = takeLoginToken();
  if (token !== null) {
    await logIn({ token }).then(showPage, (error: Error) => showLogin(error.message));
    return;
  }
  await whoIsLoggedIn().then(
    (session) => (session ? showPage(session) : showLogin()),
    // The broker is starting, or away.
    () => void setTimeout(begin, RETRY),
  );
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const key = String(new FormData(form).get('key') ?? '').trim();
  logIn({ key }).then(showPage, (error: Error) => showLogin(error.message));
});

element('logout').addEventListener('click', () => {
  // The address may name a device that is none of the next person's business.
  history.replaceState(null, '', location.pathname);
  logOut().then(
    () => showLogin(),
    () => showLogin('The broker cannot be reached; the login may still hold.'),
  );
});

addEventListener('hashchange', () => {
  if (location.hash.startsWith('#login=')) void begin();
  else page.navigate();
});
void begin();
