/** Where a device connects and what it shows there (P-1.1 to P-1.4). */
import { ID } from '../schemas/names.ts';

const ID_PATTERN = new RegExp(`^${ID}$`);
const PATH = '/v1/device';
const SCHEMES: Readonly<Record<string, string>> = {
  'http:': 'ws:',
  'https:': 'wss:',
  'ws:': 'ws:',
  'wss:': 'wss:',
};

/** `http://host:8080` or `wss://host/base` → the device endpoint. Throws TypeError for what cannot be one. */
export function deviceAddress(url: string, device: string | undefined): string {
  if (!URL.canParse(url)) throw new TypeError(`"${url}" is not a URL, such as ws://127.0.0.1:8080.`);
  const address = new URL(url);
  const scheme = SCHEMES[address.protocol];
  if (scheme === undefined)
    throw new TypeError(`"${url}" must begin with ws://, wss://, http:// or https://.`);
  if (address.searchParams.has('key'))
    throw new TypeError('Give the key as `key`; in the URL it reaches logs (P-1.2).');
  address.protocol = scheme;
  address.hash = '';
  if (!address.pathname.endsWith(PATH)) address.pathname = address.pathname.replace(/\/*$/, PATH);
  if (device !== undefined) address.searchParams.set('device', checkedDevice(device));
  return address.href;
}

function checkedDevice(device: string): string {
  if (ID_PATTERN.test(device)) return device;
  throw new TypeError(`The device id ${JSON.stringify(device)} does not match ${ID_PATTERN.source} (P-1.4).`);
}

/** Throws TypeError for a key that no header can carry; the key itself is not repeated. */
export function authorization(key: string): { readonly Authorization: string } {
  if (!/^[\x21-\x7e]+$/.test(key))
    throw new TypeError('The key is empty or holds characters that no key has.');
  return { Authorization: `Bearer ${key}` };
}
