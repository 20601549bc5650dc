/** What names look like (P-1.4), as patterns without anchors. */

/** A customer or a device. */
export const ID = '[A-Za-z0-9_-]{1,64}';
