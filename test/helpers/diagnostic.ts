/** CBOR's diagnostic notation (RFC 8949, section 8) from bytes; lenient where the broker is strict, for the vectors. */

export function diagnostic(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;

  const argument = (info: number): bigint => {
    if (info < 24) return BigInt(info);
    const size = 1 << (info - 24);
    at += size;
    if (size === 1) return BigInt(view.getUint8(at - 1));
    if (size === 2) return BigInt(view.getUint16(at - 2));
    return size === 4 ? BigInt(view.getUint32(at - 4)) : view.getBigUint64(at - 8);
  };

  const take = (length: bigint): Uint8Array => {
    const start = at;
    at += Number(length);
    if (at > bytes.length) throw new RangeError('truncated');
    return bytes.subarray(start, at);
  };

  const untilBreak = (): string[] => {
    const items: string[] = [];
    while (bytes[at] !== 0xff) items.push(item());
    at += 1;
    return items;
  };

  const times = (count: bigint, read: () => string) => Array.from({ length: Number(count) }, read);
  const pair = () => `${item()}: ${item()}`;
  const hex = (part: Uint8Array) => `h'${Buffer.from(part).toString('hex')}'`;
  const text = (part: Uint8Array) => JSON.stringify(new TextDecoder().decode(part));

  const indefinite = (major: number): string => {
    const items = untilBreak();
    if (major < 4) return `(_ ${items.join(', ')})`;
    if (major === 4) return items.length === 0 ? '[_ ]' : `[_ ${items.join(', ')}]`;
    const pairs = items.flatMap((key, index) => (index % 2 === 0 ? [`${key}: ${items[index + 1]}`] : []));
    return `{_ ${pairs.join(', ')}}`;
  };

  const simple = (info: number): string => {
    if (info === 25) return float(halfFloat(Number(argument(info))));
    if (info === 26 || info === 27) {
      at += info === 26 ? 4 : 8;
      return float(info === 26 ? view.getFloat32(at - 4) : view.getFloat64(at - 8));
    }
    const value = argument(info);
    return (
      ({ 20: 'false', 21: 'true', 22: 'null', 23: 'undefined' } as Record<string, string>)[String(value)] ??
      `simple(${value})`
    );
  };

  const item = (): string => {
    const first = view.getUint8(at);
    at += 1;
    const [major, info] = [first >> 5, first & 31];
    if (info === 31 && major < 7) return indefinite(major);
    if (major === 7) return simple(info);
    const value = argument(info);
    if (major === 0) return String(value);
    if (major === 1) return String(-1n - value);
    if (major === 2) return hex(take(value));
    if (major === 3) return text(take(value));
    if (major === 4) return `[${times(value, item).join(', ')}]`;
    if (major === 5) return `{${times(value, pair).join(', ')}}`;
    return `${value}(${item()})`;
  };

  const whole = item();
  return at === bytes.length ? whole : `${whole} + h'${Buffer.from(bytes.subarray(at)).toString('hex')}'`;
}

/** A whole number as a float shows its point. */
function float(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Object.is(value, -0)) return '-0.0';
  const text = String(value);
  if (text.includes('e')) return text.includes('.') ? text : text.replace('e', '.0e');
  return text.includes('.') ? text : `${text}.0`;
}

function halfFloat(half: number): number {
  const [exponent, mantissa, sign] = [(half >> 10) & 0x1f, half & 0x3ff, half & 0x8000 ? -1 : 1];
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (mantissa + 1024) * 2 ** (exponent - 25);
}
