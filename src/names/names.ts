/**
 * Finds the addresses of names as the system does (hosts file, search list, DNS, and whatever else it is set up to ask), but
 * so that no name waits for another: one look-up per name at a time, a bounded number of them, none on Node's threads
 * unless the servers have said that there is no such name. While a look-up fails, or takes its time, the last good answer
 * stands in.
 */
import { promises as dns } from 'node:dns';
import { isIPv6, type LookupFunction } from 'node:net';
import { type Answer, NameServers } from './ask-servers.ts';
import { SystemFiles } from './system-files.ts';

/** Look-ups at a time; further names wait in line. */
const RUNNING_MAX = 64;
/** An answer is not believed for longer, whatever it says. */
const TTL_MAX_MS = 30_000;
/** Where there is a last good answer, a new one is waited for this long. */
const PATIENCE_MS = 200;
/** After a failure the last good answer is given at once for a while. */
const RETRY_MS = 1000;
/** RFC 8767 section 5: one to three days. */
const STALE_MAX_MS = 24 * 3600 * 1000;
const LOOPBACK = ['127.0.0.1', '::1'];

interface Known {
  readonly addresses: readonly string[];
  readonly freshUntilMs: number;
  readonly staleUntilMs: number;
}

export interface NamesOptions {
  readonly hostsPath?: string;
  readonly resolvConfPath?: string;
  /** To ask instead of the system's. */
  readonly servers?: readonly string[];
  readonly nowMs?: () => number;
}

export class Names {
  readonly #files: SystemFiles;
  readonly #servers: NameServers;
  readonly #nowMs: () => number;
  readonly #known = new Map<string, Known>();
  readonly #running = new Map<string, Promise<readonly string[]>>();
  readonly #retryAtMs = new Map<string, number>();
  readonly #inLine: (() => void)[] = [];
  #slots = RUNNING_MAX;
  #systemIsBusy = false;

  constructor({ hostsPath = '/etc/hosts', resolvConfPath = '/etc/resolv.conf', ...more }: NamesOptions = {}) {
    this.#files = new SystemFiles(hostsPath, resolvConfPath);
    this.#servers = new NameServers(this.#files, more.servers);
    this.#nowMs = more.nowMs ?? (() => performance.now());
  }

  /** For `net.connect`. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    this.addresses(hostname).then(
      (all) => {
        const wanted = Number(String(options.family ?? 0).replace('IPv', ''));
        const found = all
          .map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }))
          .filter(({ family }) => wanted === 0 || family === wanted);
        if (found.length === 0) callback(failure('ENOTFOUND', hostname), '');
        else if (options.all === true) callback(null, found);
        else callback(null, found[0]!.address, found[0]!.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, ''),
    );
  };

  /** Never empty. Rejects where the name does not exist, or where nobody could say and nothing is known from before. */
  async addresses(hostname: string): Promise<readonly string[]> {
    const name = hostname.toLowerCase();
    const nowMs = this.#nowMs();
    const listed = this.#files.hosts(name.replace(/\.$/, ''), nowMs);
    if (listed !== undefined) return listed;
    // RFC 6761 section 6.3.
    if (/(?:^|\.)localhost\.?$/.test(name)) return LOOPBACK;
    const known = this.#known.get(name);
    if (known !== undefined && nowMs < known.freshUntilMs) return known.addresses;
    const standsIn = known !== undefined && nowMs < known.staleUntilMs ? known.addresses : null;
    if (standsIn !== null && nowMs < (this.#retryAtMs.get(name) ?? 0)) return standsIn;
    const running = this.#running.get(name) ?? this.#begin(name);
    return standsIn === null ? running : withinPatience(running, standsIn);
  }

  #begin(name: string): Promise<readonly string[]> {
    const running = this.#find(name).finally(() => this.#running.delete(name));
    // Whoever waited may have gone on with what was known.
    running.catch(() => {});
    this.#running.set(name, running);
    return running;
  }

  async #find(name: string): Promise<readonly string[]> {
    if (this.#slots > 0) this.#slots -= 1;
    else await new Promise<void>((resolve) => this.#inLine.push(resolve));
    try {
      const answer = (await this.#servers.ask(name, this.#nowMs())) ?? (await this.#askSystem(name));
      return this.#learn(name, answer);
    } catch (error) {
      this.#retryAtMs.set(name, this.#nowMs() + RETRY_MS);
      const known = this.#known.get(name);
      if (known !== undefined && this.#nowMs() < known.staleUntilMs) return known.addresses;
      throw error;
    } finally {
      const next = this.#inLine.shift();
      if (next === undefined) this.#slots += 1;
      else next();
    }
  }

  #learn(name: string, answer: Answer | null): readonly string[] {
    this.#retryAtMs.delete(name);
    if (answer === null) {
      // It is gone, and its address may be somebody else's by now.
      this.#known.delete(name);
      throw failure('ENOTFOUND', name);
    }
    const nowMs = this.#nowMs();
    const { addresses, ttlSeconds } = answer;
    const freshUntilMs = nowMs + Math.min(ttlSeconds * 1000, TTL_MAX_MS);
    this.#known.set(name, { addresses, freshUntilMs, staleUntilMs: nowMs + STALE_MAX_MS });
    return addresses;
  }

  /**
   * What only the C library knows (mDNS, directories, the machine's own name). It takes one of four threads for as long as
   * it likes, so one name at a time, and whoever comes meanwhile goes without.
   */
  async #askSystem(name: string): Promise<Answer | null> {
    if (this.#systemIsBusy) return null;
    this.#systemIsBusy = true;
    try {
      const found = await dns.lookup(name, { all: true });
      return found.length === 0 ? null : { addresses: found.map(({ address }) => address), ttlSeconds: 1 };
    } catch {
      return null;
    } finally {
      this.#systemIsBusy = false;
    }
  }
}

async function withinPatience<T>(running: Promise<T>, otherwise: T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), PATIENCE_MS);
  });
  return Promise.race([running, late]).finally(() => clearTimeout(timer));
}

function failure(code: string, name: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code} ${name}`), { code, syscall: 'lookup', hostname: name });
}

/** Elsewhere the system keeps its names in other places than these files. */
const names = process.platform === 'linux' ? new Names() : null;

/** Of this process. undefined: as Node does. */
export const systemLookup: LookupFunction | undefined = names?.lookup;
