/** A certificate authority for one test, with certificates for a server on 127.0.0.1 and for a client. Needs openssl. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../helpers/temporary.ts';

export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
}

export interface Authority {
  readonly caFile: string;
  /** Signed by this authority. */
  sign(name: string): Certificate;
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}

export function makeAuthority(): Authority {
  const folder = temporaryFolder();
  const file = (name: string) => join(folder, name);
  const caFile = file('ca.crt');
  const caKey = file('ca.key');
  openssl(
    'req',
    '-x509',
    ...KEY,
    '-days',
    '2',
    '-subj',
    '/CN=test authority',
    '-keyout',
    caKey,
    '-out',
    caFile,
  );
  writeFileSync(file('names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  return {
    caFile,
    sign(name) {
      const [certFile, keyFile, request] = ['crt', 'key', 'csr'].map((end) => file(`${name}.${end}`)) as [
        string,
        string,
        string,
      ];
      openssl('req', ...KEY, '-subj', `/CN=${name}`, '-keyout', keyFile, '-out', request);
      const signing = ['-CA', caFile, '-CAkey', caKey, '-CAcreateserial', '-extfile', file('names')];
      openssl('x509', '-req', '-in', request, '-days', '2', ...signing, '-out', certFile);
      return { certFile, keyFile };
    },
  };
}
