/** The addresses that a token may be used from: as they are asked for, and compared. Whether a request comes from one is core/address-check's. */
import { coversRanges, isWithin, readRange } from '../../core/address-range.ts';
import { unacceptable } from '../rejection.ts';
import type { TokenDoc } from '../unit-of-work/records.ts';

/** null: from anywhere. Throws Rejection. */
export function readAddresses(asked: readonly string[] | null | undefined): readonly string[] | null {
  if (asked === undefined || asked === null) return null;
  const wrong = asked.find((text) => readRange(text) === null);
  if (wrong !== undefined) {
    const detail = `${JSON.stringify(wrong)} is no IP address, and no network such as 10.0.0.0/8 with nothing behind its prefix.`;
    throw unacceptable('address_invalid', 'allowedAddresses', detail);
  }
  return [...new Set(asked)];
}

/** May a token with `own` addresses manage one with these? */
export function withinAddresses(own: TokenDoc['allowedAddresses'], asked: TokenDoc['allowedAddresses']): boolean {
  if (own === undefined || own === null) return true;
  return asked !== undefined && asked !== null && coversRanges(rangesOf(own), rangesOf(asked));
}

/** `address` empty: unknown. */
export function mayComeFrom({ allowedAddresses }: TokenDoc, address: string): boolean {
  if (allowedAddresses === undefined || allowedAddresses === null) return true;
  return isWithin(rangesOf(allowedAddresses), address);
}

/** What cannot be read covers nothing. */
function rangesOf(texts: readonly string[]) {
  return texts.map((text) => readRange(text)).filter((range) => range !== null);
}
