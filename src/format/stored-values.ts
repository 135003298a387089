/** Values of stored records as an upgrade reads them: what is not what it should be is damage, and ends the upgrade. */

/** Throws TypeError. */
export function asText(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('not a text');
  return value;
}

/** Throws TypeError. */
export function asInteger(value: unknown): number {
  if (!Number.isSafeInteger(value)) throw new TypeError('not an integer');
  return value as number;
}
