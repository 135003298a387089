/** What node:tls keeps to itself: the connection below one that is encrypted. */
import type { Socket } from 'node:net';
import type { Habit } from './habit.ts';

export const CARRIER: Habit = {
  name: 'tlsSocket._parent: the TCP connection below, which alone can be reset',
  fallback: 'an answer that is cut under TLS ends as a plain close, not as a reset',
};
/** The TCP connection that carries `socket`: itself without TLS. null: not known. */
export function carrierOf(socket: Socket): Socket | null {
  return 'encrypted' in socket ? ((socket as Socket & { _parent?: Socket | null })._parent ?? null) : socket;
}
