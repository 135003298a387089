/**
 * What http-proxy-3 takes for the client's socket while it asks to leave HTTP. It never meets the real one: nothing comes
 * from here, and what goes here, its own rendering of the 101, goes nowhere. The client gets ours.
 */
import { Duplex } from 'node:stream';

export class ProxySide extends Duplex {
  override _read(): void {}

  override _write(_chunk: Buffer, _encoding: string, done: () => void): void {
    done();
  }

  // What http-proxy-3 expects of a socket beyond that; the real ones are in others' care.
  setTimeout(): void {}
  setNoDelay(): void {}
  setKeepAlive(): void {}
  destroySoon(): void {}
}
