/**
 * Copies a message from one simulated thread to another, as `structuredClone` does and in a fraction of its time, for what messages of
 * the product are made of: plain objects, lists and bytes. The rest is left to `structuredClone`.
 */

/** What is in `transfer` cannot be used any more where it came from. */
export function copyOf<Message>(message: Message, transfer: readonly ArrayBuffer[]): Message {
  const copied = copyOfValue(message, new Map()) as Message;
  for (const buffer of transfer) buffer.transfer(0);
  return copied;
}

/** By what they were made from: what stands at two places stands so afterwards. */
type Copies = Map<object, object>;

type View = Uint8Array | Float64Array | Uint32Array | Int32Array;

function copyOfObject(value: object, copies: Copies): object {
  const known = copies.get(value);
  if (known) return known;
  if (Array.isArray(value)) {
    const list: unknown[] = [];
    copies.set(value, list);
    for (const one of value) list.push(copyOfValue(one, copies));
    return list;
  }
  if (ArrayBuffer.isView(value)) return copyOfView(value as View);
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return structuredClone(value);
  const copied: Record<string, unknown> = {};
  copies.set(value, copied);
  for (const name of Object.keys(value)) {
    copied[name] = copyOfValue((value as Record<string, unknown>)[name], copies);
  }
  return copied;
}

function copyOfValue(value: unknown, copies: Copies): unknown {
  if (typeof value === 'object' && value !== null) return copyOfObject(value, copies);
  // Throws, as a thread's port does.
  if (typeof value === 'function' || typeof value === 'symbol') return structuredClone(value);
  return value;
}

/** A `Buffer` arrives as plain bytes. */
function copyOfView(view: View): View {
  return view instanceof Uint8Array
    ? new Uint8Array(view)
    : new (view.constructor as Uint32ArrayConstructor)(view as Uint32Array);
}
