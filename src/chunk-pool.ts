/**
 * Memory for pieces of bodies on their way through, used again once a piece has left: V8's collector would otherwise spend
 * half of a large answer's time on it. Whoever takes a piece owns it; the last owner may give it back, and must not look at
 * it again. A piece that is not given back is collected like any other.
 */

import { Buffer } from 'node:buffer';

/** What a socket reads at once; smaller pieces cost less to make than to keep. */
const PIECE_BYTES = 64 * 1024;
const SMALL_BYTES = 32 * 1024;
/** More than that lies idle only after a rush. */
const FREE_MAX = 64;

const free: Buffer[] = [];
/** The memory behind each piece that is out. A part of a piece is not in here, and so never gives back the whole. */
const pieces = new WeakMap<Buffer, Buffer>();

/** A copy of `source[start, end)`. */
export function copyToPiece(source: Buffer, start: number, end: number): Buffer {
  const length = end - start;
  if (length < SMALL_BYTES || length > PIECE_BYTES) {
    const copy = Buffer.allocUnsafe(length);
    source.copy(copy, 0, start, end);
    return copy;
  }
  const memory = free.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES);
  const piece = memory.subarray(0, length);
  source.copy(piece, 0, start, end);
  pieces.set(piece, memory);
  return piece;
}

/** To be called by its last owner, once: nobody will read this piece any more. */
export function giveBack(piece: Buffer): void {
  const memory = pieces.get(piece);
  if (memory === undefined) return;
  pieces.delete(piece);
  if (free.length < FREE_MAX) free.push(memory);
}

interface Sink {
  write(piece: Buffer, done: (error?: Error | null) => void): boolean;
}

/** Writes a copy of `lent` from `start` on, whose memory is used again once it has left. false: no more, for now. */
export function writeCopy(sink: Sink, lent: Buffer, start = 0): boolean {
  let open = true;
  for (let at = start; at < lent.length; at += PIECE_BYTES) {
    const piece = copyToPiece(lent, at, Math.min(lent.length, at + PIECE_BYTES));
    open = sink.write(piece, (error) => {
      // After an error nobody knows who still looks at it.
      if (error == null) giveBack(piece);
    });
  }
  return open;
}
