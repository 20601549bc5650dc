/** The strict profile's numbers (P-2.2). */
export const PROFILE = {
  frameBytes: 65536,
  depth: 8,
  items: 4096,
  pairs: 256,
  elements: 1024,
  textBytes: 4096,
  byteStringBytes: 16384,
  keyBytes: 64,
} as const;
