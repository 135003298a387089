/**
 * The messages of the scenarios that keep connections open, as upstream and client know them: events that say when they
 * were written, and WebSocket frames of one length. Sends none.
 */

/** Between two events of a stream, and between two frames that one client sends. */
export const EVENT_EVERY_MS = 50;
const PAYLOAD_BYTES = 64;
/** A key of zeros masks nothing, and is a key. */
export const CLIENT_FRAME = Buffer.from([0x81, 0x80 | PAYLOAD_BYTES, 0, 0, 0, 0, ...Buffer.alloc(PAYLOAD_BYTES, 'x')]);
export const CLIENT_FRAME_BYTES = CLIENT_FRAME.length;
export const SERVER_FRAME = Buffer.from([0x81, PAYLOAD_BYTES, ...Buffer.alloc(PAYLOAD_BYTES, 'x')]);
const EVENT_NAME = 'data: ';

/** `nowNs`: of the machine's monotonic clock, which all its processes share. */
export function eventOf(nowNs: bigint): string {
  return `${EVENT_NAME}${String(nowNs).padEnd(PAYLOAD_BYTES, ' ')}\n\n`;
}

/** When the last event of `text` was written, if it stands there whole. */
export function writtenAtNs(text: string): bigint | null {
  const begin = text.lastIndexOf(EVENT_NAME);
  const digits = begin === -1 ? undefined : /^(\d+) /.exec(text.slice(begin + EVENT_NAME.length))?.[1];
  return digits === undefined ? null : BigInt(digits);
}
