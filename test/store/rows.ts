/** What the contracts of the stores write into bodies. */

export const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

export const textOfBytes = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
