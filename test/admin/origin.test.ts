/** Which pages may use the browser's cookie. */
import { describe, expect, it } from 'vitest';
import { originAllowed } from '../../broker/access/origin.ts';

const at = (origin: string | undefined, allowedOrigins: string[] = []) =>
  originAllowed({ origin, host: 'box.example:8080', protocol: 'http', allowedOrigins });

describe('a page that uses the cookie', () => {
  it('is served from our own origin', () => {
    expect(at('http://box.example:8080')).toBe(true);
    expect(at('HTTP://Box.Example:8080')).toBe(true);
  });

  it('may be of an origin that the operator allowed', () => {
    expect(at('https://wall.example', ['https://wall.example:443'])).toBe(true);
    expect(at('https://wall.example:8443', ['https://wall.example'])).toBe(false);
  });

  it('may leave out the default port, as browsers do', () => {
    const question = { host: 'box.example:443', protocol: 'https', allowedOrigins: [] } as const;
    expect(originAllowed({ ...question, origin: 'https://box.example' })).toBe(true);
  });

  it.each([
    ['no origin', undefined],
    ['an opaque origin', 'null'],
    ['another host', 'http://evil.example:8080'],
    ['another port', 'http://box.example'],
    ['another protocol', 'https://box.example:8080'],
    ["our name as somebody else's prefix", 'http://box.example:8080.evil.example'],
    ['our name as user info', 'http://box.example:8080@evil.example'],
    ['no origin at all', 'box.example:8080'],
    ['a path', 'http://box.example:8080/page'],
  ])('is refused with %s', (_, origin) => {
    expect(at(origin)).toBe(false);
  });
});
