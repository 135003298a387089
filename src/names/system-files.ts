/**
 * What the system's files say about names: `/etc/hosts`, and of `/etc/resolv.conf` the search list. Read again when they
 * have changed; one that cannot be read says nothing. Asks no server.
 */
import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';

/** Looked at again at most so often. */
const LOOK_EVERY_MS = 1000;
/** As the C library has it. */
const NDOTS_MAX = 15;

export interface SearchList {
  readonly domains: readonly string[];
  /** A name with so many dots is tried as it is first. */
  readonly ndots: number;
}

/** One file, parsed again when it has changed. */
class Watched<T> {
  readonly #path: string;
  readonly #parse: (text: string) => T;
  #value: T;
  #mark = '';
  #lookAtMs = Number.NEGATIVE_INFINITY;

  constructor(path: string, parse: (text: string) => T) {
    this.#path = path;
    this.#parse = parse;
    this.#value = parse('');
  }

  get(nowMs: number): T {
    if (nowMs < this.#lookAtMs) return this.#value;
    this.#lookAtMs = nowMs + LOOK_EVERY_MS;
    try {
      const { mtimeMs, size, ino } = statSync(this.#path);
      const mark = `${mtimeMs} ${size} ${ino}`;
      if (mark !== this.#mark) this.#value = this.#parse(readFileSync(this.#path, 'utf8'));
      this.#mark = mark;
    } catch {
      if (this.#mark !== '') this.#value = this.#parse('');
      this.#mark = '';
    }
    return this.#value;
  }
}

export class SystemFiles {
  readonly #hosts: Watched<ReadonlyMap<string, readonly string[]>>;
  readonly #search: Watched<SearchList>;

  constructor(hostsPath: string, resolvConfPath: string) {
    this.#hosts = new Watched(hostsPath, parseHosts);
    this.#search = new Watched(resolvConfPath, parseSearchList);
  }

  /** Addresses of a name in lower case; undefined: it is not listed. */
  hosts(name: string, nowMs: number): readonly string[] | undefined {
    return this.#hosts.get(nowMs).get(name);
  }

  /** The same object for as long as the file stays as it is. */
  search(nowMs: number): SearchList {
    return this.#search.get(nowMs);
  }
}

export function parseHosts(text: string): Map<string, string[]> {
  const byName = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address = '', ...names] = fields(line);
    if (isIP(address) === 0) continue;
    for (const name of names) {
      const lower = name.toLowerCase();
      const addresses = byName.get(lower);
      if (addresses === undefined) byName.set(lower, [address]);
      else if (!addresses.includes(address)) addresses.push(address);
    }
  }
  return byName;
}

/** The last `search` or `domain` holds. */
export function parseSearchList(text: string): SearchList {
  let domains: string[] = [];
  let ndots = 1;
  for (const line of text.split('\n')) {
    const [key, ...values] = fields(line);
    if (key === 'search') domains = values.map((value) => value.replace(/\.$/, '')).filter((value) => value !== '');
    else if (key === 'domain') domains = values.slice(0, 1);
    else if (key === 'options')
      for (const value of values) {
        const given = /^ndots:(\d+)$/.exec(value)?.[1];
        if (given !== undefined) ndots = Math.min(Number(given), NDOTS_MAX);
      }
  }
  return { domains, ndots };
}

/** In which order a name is asked for. A dot at its end: as it is, and nothing else. */
export function candidates(name: string, { domains, ndots }: SearchList): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const searched = domains.map((domain) => `${name}.${domain}`);
  return name.split('.').length - 1 >= ndots ? [name, ...searched] : [...searched, name];
}

function fields(line: string): string[] {
  return line
    .replace(/[#;].*/, '')
    .split(/\s+/)
    .filter((field) => field !== '');
}
