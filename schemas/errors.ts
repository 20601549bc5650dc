/**
 * The one table of error codes and the one of close codes (P-7.3, P-8). Code, documents and the device library read
 * these; `test/protocol/codes.test.ts` holds them and PROTOCOL.md together.
 */

/** What an error frame or a problem+json body can say: `code` → the sentence that says what to do. */
export const ERROR_CODES = {
  // Frames outside the strict profile (P-2.2): the connection is closed with 1007 after the error frame.
  'not-an-array': {
    closes: 1007,
    message: 'A frame is one CBOR array whose first element is the frame number.',
  },
  'indefinite-length': {
    closes: 1007,
    message: 'Use definite lengths; indefinite-length items are refused.',
  },
  'tag-refused': { closes: 1007, message: 'CBOR tags are refused; send the plain value.' },
  'simple-refused': { closes: 1007, message: 'Only true, false and null are accepted among simple values.' },
  'float-not-finite': { closes: 1007, message: 'NaN and infinities are refused; send null for "not read".' },
  'integer-range': { closes: 1007, message: 'Integers must lie within plus or minus 2^53-1.' },
  'text-not-utf8': { closes: 1007, message: 'Text must be valid UTF-8.' },
  'key-not-text': { closes: 1007, message: 'Map keys must be text of 1 to 64 bytes.' },
  'key-forbidden': {
    closes: 1007,
    message: 'The map keys __proto__, constructor and prototype are refused.',
  },
  'key-repeated': { closes: 1007, message: 'A map must not hold the same key twice.' },
  truncated: { closes: 1007, message: 'The frame ends before its last item does; send the whole item.' },
  'trailing-bytes': { closes: 1007, message: 'Bytes follow the item; one message carries exactly one item.' },
  'reserved-bits': { closes: 1007, message: 'The frame uses a reserved CBOR length code (28 to 30).' },
  'too-deep': { closes: 1007, message: 'Nest at most 8 levels.' },
  'too-many-items': { closes: 1007, message: 'A frame holds at most 4,096 items.' },
  'map-too-long': { closes: 1007, message: 'A map holds at most 256 pairs.' },
  'array-too-long': { closes: 1007, message: 'An array holds at most 1,024 elements.' },
  'text-too-long': { closes: 1007, message: 'A text holds at most 4 KiB.' },
  'bytes-too-long': { closes: 1007, message: 'A byte string holds at most 16 KiB.' },
  'frame-too-big': { closes: 1009, message: 'A frame holds at most 64 KiB.' },
  'text-message': { closes: 1003, message: 'Send binary WebSocket messages; text messages are refused.' },

  // Frames inside the profile that break a schema (P-2.3): ignored, counted against the budget.
  'unknown-frame': {
    closes: null,
    message: 'The broker does not know this frame number; check the protocol version.',
  },
  'bad-hello': { closes: null, message: 'The hello frame breaks its schema.' },
  'hello-not-first': { closes: null, message: 'hello is taken once a connection, before any other frame.' },
  'bad-telemetry': { closes: null, message: 'The telemetry frame breaks its schema.' },
  'bad-batch': { closes: null, message: 'The batch frame breaks its schema.' },
  'bad-event': { closes: null, message: 'The event frame breaks its schema.' },
  'bad-result': { closes: null, message: 'The result frame breaks its schema.' },
  'bad-reported': { closes: null, message: 'The reported frame breaks its schema.' },
  'bad-seq': {
    closes: null,
    message: 'seq is an integer from 1 that rises with each frame of a boot, or null.',
  },
  'bad-time': { closes: null, message: 'time is null or a finite number of milliseconds.' },
  'bad-metric': { closes: null, message: 'Metric names match ^[A-Za-z_][A-Za-z0-9_.-]{0,63}$.' },
  'no-fields': { closes: null, message: 'Values as an array need a hello with fields first.' },
  'too-many-values': { closes: null, message: 'The array holds more values than hello named fields.' },
  'too-many-metrics': {
    closes: null,
    message:
      'The device has reached its number of metrics; ask the operator to raise limits.metricsPerDevice.',
  },
  'value-too-big': {
    closes: null,
    message: 'A value costs more than limits.valueBytes (P-2.2); send it in parts, or with fewer items.',
  },
  'state-too-big': {
    closes: null,
    message:
      'With this frame the last-known state would cost more than limits.stateBytes (P-2.2); send less under fewer names.',
  },
  'unknown-version': {
    closes: null,
    message: 'No desired document of this version was ever sent; report the version that came, or 0.',
  },
  'unknown-command': { closes: null, message: 'No command with this id waits for this device.' },

  // Advice that costs nothing: the frame was taken (P-4.5).
  'clock-unset': {
    closes: null,
    message:
      'The time lies before 2000-01-01; the arrival time was kept. Set the clock, check the unit, or send null.',
  },
  'clock-ahead': {
    closes: null,
    message:
      'The time lies more than 10 minutes ahead; the arrival time was kept. Check the clock and the unit.',
  },
} as const satisfies Record<string, { closes: CloseCode | null; message: string }>;

export type ErrorCode = keyof typeof ERROR_CODES;

/**
 * P-7.3. `wait`: the least seconds until a device may try again, spread by P-7.4; null: not before it has a new key.
 * `delayInReason`: where the reason carries a delay, that goes before it.
 */
export const CLOSE_CODES = {
  1001: { name: 'going-away', wait: 1, delayInReason: true, message: 'The broker is going away.' },
  1003: { name: 'text', wait: 1, delayInReason: false, message: 'Send binary messages, not text.' },
  1007: { name: 'bad-cbor', wait: 1, delayInReason: false, message: 'A frame was outside the CBOR profile.' },
  1009: { name: 'too-big', wait: 1, delayInReason: false, message: 'A message was over 64 KiB.' },
  1013: {
    name: 'overloaded',
    wait: 1,
    delayInReason: true,
    message: 'The broker is overloaded; try again later.',
  },
  4001: {
    name: 'replaced',
    wait: 60,
    delayInReason: false,
    message: 'A newer connection of this device took over; the key may be in use twice.',
  },
  4003: {
    name: 'key-ended',
    wait: null,
    delayInReason: false,
    message: 'The key was revoked, has expired, or the device was forgotten.',
  },
  4008: {
    name: 'no-heartbeat',
    wait: 1,
    delayInReason: false,
    message: 'Nothing was heard for 2.5 keepalive intervals.',
  },
  4029: { name: 'abuse', wait: 60, delayInReason: false, message: 'Too many control frames or fragments.' },
  4400: {
    name: 'invalid-frames',
    wait: 60,
    delayInReason: false,
    message: 'Too many invalid frames in a minute; see the error frames.',
  },
} as const satisfies Record<
  number,
  { name: string; wait: number | null; delayInReason: boolean; message: string }
>;

export type CloseCode = 1001 | 1003 | 1007 | 1009 | 1013 | 4001 | 4003 | 4008 | 4029 | 4400;
