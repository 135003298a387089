/** What a request's Connection headers say of its connection (RFC 9110 section 7.6.1, RFC 9112 section 9.3). Judges nothing else. */
import { lowerName } from '../../core/framing.ts';

export interface ConnectionOptions {
  readonly close: boolean;
  readonly keepAlive: boolean;
  readonly upgrade: boolean;
}

const NONE: ConnectionOptions = { close: false, keepAlive: false, upgrade: false };
const KEEP_ALIVE: ConnectionOptions = { ...NONE, keepAlive: true };
const CLOSE: ConnectionOptions = { ...NONE, close: true };

export function connectionOptions(headers: readonly string[]): ConnectionOptions {
  let options = NONE;
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index]!;
    if (name.length === 10 && lowerName(name) === 'connection') options = withValue(options, headers[index + 1]!);
  }
  return options;
}

/** May another request follow this one on its connection? */
export function asksToKeep({ close, keepAlive }: ConnectionOptions, minorVersion: 0 | 1): boolean {
  return !close && (minorVersion === 1 || keepAlive);
}

function withValue(options: ConnectionOptions, value: string): ConnectionOptions {
  if (options === NONE && value === 'keep-alive') return KEEP_ALIVE;
  if (options === NONE && value === 'close') return CLOSE;
  const tokens = value.split(',').map((token) => token.trim().toLowerCase());
  return {
    close: options.close || tokens.includes('close'),
    keepAlive: options.keepAlive || tokens.includes('keep-alive'),
    upgrade: options.upgrade || tokens.includes('upgrade'),
  };
}
