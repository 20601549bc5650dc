import { ATTACKS, withstand } from './storm.ts';

const name = process.argv[2]!;
const over = JSON.parse(process.argv[3] ?? '{}');
const kept = await withstand(name, { ...ATTACKS[name]!, ...over });
console.log(kept ? 'KEPT' : 'MISSED');
process.exit(0);
