/**
 * The header fields of a request over HTTP/1, and what follows from their octets alone. A client that sends the same
 * fields again on its connection has them read once. Keeps no verdict, and nothing beyond its connection.
 */
import { type HeaderFacts, readHeaders } from '../../core/framing.ts';
import { headersIn } from '../../core/http1/header-pairs.ts';
import type { SortedHeaders } from '../exchange.ts';
import { type ConnectionOptions, connectionOptions } from './connection-options.ts';

/** Longer ones are read anew: a connection that waits costs what it keeps. */
const KEPT_BYTES_MAX = 2048;
/** A client whose fields have differed so often in a row is not waited for any longer. */
const MISSES_MAX = 4;

/** Strings are latin1: one char per byte. */
export class RequestFields implements SortedHeaders {
  readonly minorVersion: 0 | 1;
  readonly meant: readonly string[];
  readonly passing: string;
  /** null: where the request ends can be read in more than one way. */
  readonly facts: HeaderFacts | null;
  readonly options: ConnectionOptions;
  readonly #text: string;
  readonly #fieldsAt: number;
  #headers: readonly string[] | undefined;

  /** `text`: with the empty line. `fieldsAt`: where the first header is, or would be. */
  constructor(minorVersion: 0 | 1, meant: readonly string[], passing: string, text: string, fieldsAt: number) {
    this.minorVersion = minorVersion;
    this.meant = meant;
    this.passing = passing;
    this.facts = readHeaders(meant, minorVersion);
    this.options = connectionOptions(meant);
    this.#text = text;
    this.#fieldsAt = fieldsAt;
  }

  get textLength(): number {
    return this.#text.length;
  }

  /** Raw [name, value, …] in order and case as received. Most requests are never asked for theirs. */
  get headers(): readonly string[] {
    this.#headers ??= headersIn(this.#text, this.#fieldsAt);
    return this.#headers;
  }
}

/** The fields that came last on one connection, with their octets. */
export class LastFields {
  #octets: Buffer | null = null;
  #fields: RequestFields | null = null;
  #misses = 0;

  /** Where they end in `bytes`, whose fields begin at `at`; -1: they are not the same, or not all there yet. */
  endIn(bytes: Buffer, at: number, to: number): number {
    const octets = this.#octets;
    if (octets === null) return -1;
    const end = at + octets.length;
    return end <= to && octets.compare(bytes, at, end) === 0 ? end : -1;
  }

  /** Of the same octets, in a request of this version. */
  of(minorVersion: 0 | 1): RequestFields | null {
    const fields = this.#fields;
    if (fields === null || fields.minorVersion !== minorVersion) return null;
    this.#misses = 0;
    return fields;
  }

  /** `bytes[at, end)`: from the first field to behind the empty line. */
  keep(fields: RequestFields, bytes: Buffer, at: number, end: number): void {
    if (this.#misses > MISSES_MAX) return;
    this.#misses += 1;
    const isKept = this.#misses <= MISSES_MAX && fields.textLength <= KEPT_BYTES_MAX;
    this.#fields = isKept ? fields : null;
    // What they came in is used again for what comes next.
    this.#octets = isKept ? Buffer.from(bytes.subarray(at, end)) : null;
  }
}
