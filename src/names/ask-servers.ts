/**
 * Asks name servers for the addresses of a name, in both families at once, with time-outs of its own and without a thread:
 * a server that is silent keeps nobody waiting but those who asked for that name. Remembers nothing.
 */
import { promises as dns } from 'node:dns';
import { networkInterfaces } from 'node:os';
import type { SystemFiles } from './system-files.ts';
import { candidates } from './system-files.ts';

/** Each further try takes twice as long. */
const TRY_MS = 400;
const TRIES = 3;
/** One family is not waited for much longer than the other. */
const OTHER_FAMILY_MS = 100;
/** There is no such name, or it has no address: an answer, though not a good one. */
const NEGATIVE = new Set(['ENOTFOUND', 'ENODATA']);

export interface Answer {
  /** Never empty. */
  readonly addresses: readonly string[];
  readonly ttlSeconds: number;
}

type Records = readonly { readonly address: string; readonly ttl: number }[];

export class NameServers {
  readonly #files: SystemFiles;
  readonly #servers: readonly string[] | undefined;
  #resolver: dns.Resolver | undefined;
  #madeFor: unknown;

  /** `servers`: those to ask instead of the system's, as `192.0.2.1` or `192.0.2.1:5353`. */
  constructor(files: SystemFiles, servers: readonly string[] | undefined) {
    this.#files = files;
    this.#servers = servers;
  }

  /** null: the servers say that there is no such name. Rejects where none could say. */
  async ask(name: string, nowMs: number): Promise<Answer | null> {
    const search = this.#files.search(nowMs);
    // A changed file may name other servers, which are read when a resolver is made.
    if (this.#resolver === undefined || this.#madeFor !== search) {
      this.#resolver = new dns.Resolver({ timeout: TRY_MS, tries: TRIES });
      if (this.#servers !== undefined) this.#resolver.setServers(this.#servers);
      this.#madeFor = search;
    }
    for (const candidate of candidates(name, search)) {
      const answer = await askBoth(this.#resolver, candidate);
      if (answer !== null) return answer;
    }
    return null;
  }
}

async function askBoth(resolver: dns.Resolver, name: string): Promise<Answer | null> {
  const outcomes = await Promise.all(
    soonAfterTheFirst([resolver.resolve4(name, { ttl: true }), resolver.resolve6(name, { ttl: true })]),
  );
  const [four = [], six = []] = outcomes.map((outcome) => (Array.isArray(outcome) ? outcome : []));
  const records = hasGlobalIpv6() ? [...six, ...four] : [...four, ...six];
  if (records.length > 0)
    return {
      addresses: records.map(({ address }) => address),
      ttlSeconds: Math.min(...records.map(({ ttl }) => ttl)),
    };
  for (const outcome of outcomes) if (outcome instanceof Error && !isNegative(outcome)) throw outcome;
  return null;
}

/** Once one of them has brought records, the other is given up a little later. */
function soonAfterTheFirst(asked: readonly Promise<Records>[]): Promise<Records | Error>[] {
  const { promise: late, resolve } = Promise.withResolvers<Error>();
  return asked.map((one) => {
    const settled = one.then(
      (records) => {
        setTimeout(() => resolve(new Error('the other family did not answer in time')), OTHER_FAMILY_MS).unref();
        return records;
      },
      (error: Error) => error,
    );
    return Promise.race([settled, late]);
  });
}

function isNegative(error: NodeJS.ErrnoException): boolean {
  return NEGATIVE.has(error.code ?? '');
}

/** Without one, addresses of IPv6 are tried last. */
function hasGlobalIpv6(): boolean {
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ family, internal, address }) => family === 'IPv6' && !internal && !address.startsWith('fe80:')),
  );
}
