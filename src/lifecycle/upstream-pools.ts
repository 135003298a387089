/**
 * The pools behind the upstreams of a configuration. A reload keeps those whose settings and files stayed the same,
 * with their connections; pools that are gone wind down after their last exchange. Forwards nothing itself.
 */
import type { Configuration } from '../config/load/configuration.ts';
import { configuredName } from '../core/configured-name.ts';
import { logChanges } from '../edge/forward/upstream-status.ts';
import type { UpstreamBinding } from '../edge/ruleset.ts';
import { checkNodeInternals } from '../node-internals/check.ts';
import type { Log } from '../observe/log.ts';
import { Slices } from '../slices.ts';
import { Upstream } from '../upstream/upstream.ts';

type Settings = Configuration['file']['upstreams'][string];

interface Pool {
  readonly upstream: Upstream;
  /** Everything it was made from. */
  readonly madeFrom: string;
}

export interface PreparedPools {
  readonly bindings: ReadonlyMap<string, UpstreamBinding>;
  readonly swap: () => void;
  readonly discard: () => void;
}

export class UpstreamPools {
  readonly #log: Log;
  readonly #isGateway: boolean;
  #current: ReadonlyMap<string, Pool> = new Map();
  /** Replaced, but still with an exchange. */
  readonly #retired = new Set<Upstream>();

  /** `isGateway`: a process that forwards nothing has no business asking upstreams how they are. */
  constructor(log: Log, isGateway: boolean) {
    this.#log = log;
    this.#isGateway = isGateway;
  }

  /**
   * The pools for a configuration, opened in slices. Once they are put in force (`swap`) those that they replace wind
   * down. Rejects, and changes nothing, for unusable TLS files.
   */
  async prepare(configuration: Configuration): Promise<PreparedPools> {
    const slices = new Slices();
    const next = new Map<string, Pool>();
    const bindings = new Map<string, UpstreamBinding>();
    const discard = () => {
      for (const [name, { upstream }] of next) if (upstream !== this.#current.get(name)?.upstream) upstream.destroy();
    };
    const usesHttp2 = Object.values(configuration.file.upstreams).some(({ protocol }) => protocol !== 'http1');
    const lacking = usesHttp2 ? await checkNodeInternals({ http2: true }) : null;
    if (lacking !== null) this.#log.warn(lacking);
    try {
      for (const [name, settings] of Object.entries(configuration.file.upstreams)) {
        const pool = this.#poolFor(name, settings, readTls(settings, configuration));
        next.set(name, pool);
        bindings.set(name, {
          name: configuredName(name),
          upstream: pool.upstream,
          origins: new Set(settings.targets.map((target) => new URL(target).origin)),
          preserveHost: settings.preserveHost,
        });
        if (slices.over) await slices.next();
      }
    } catch (error) {
      discard();
      throw error;
    }
    return { bindings, discard, swap: () => this.#use(next) };
  }

  #use(next: ReadonlyMap<string, Pool>): void {
    const gone = Array.from(this.#current.values(), ({ upstream }) => upstream).filter(isNoneOf(next));
    this.#current = next;
    for (const upstream of gone) this.#retired.add(upstream);
    void this.#retire(gone);
  }

  async #retire(gone: readonly Upstream[]): Promise<void> {
    const slices = new Slices();
    for (const upstream of gone) {
      void upstream.retire().then(() => this.#retired.delete(upstream));
      if (slices.over) await slices.next();
    }
  }

  /** Cuts whatever is still in progress. */
  destroy(): void {
    for (const upstream of this.#retired) upstream.destroy();
    for (const { upstream } of this.#current.values()) upstream.destroy();
  }

  #poolFor(name: string, settings: Settings, tls: TlsFiles): Pool {
    const madeFrom = describe(settings, tls);
    const kept = this.#current.get(name);
    return kept?.madeFrom === madeFrom ? kept : { upstream: this.#open(name, settings, tls), madeFrom };
  }

  #open(name: string, { health, tls, ...settings }: Settings, files: TlsFiles): Upstream {
    return new Upstream({
      ...settings,
      tls: { ...tls, ...files },
      ...(health !== undefined && this.#isGateway ? { health } : {}),
      onChange: logChanges(this.#log, name),
    });
  }
}

function isNoneOf(pools: ReadonlyMap<string, Pool>): (upstream: Upstream) => boolean {
  const kept = new Set(Array.from(pools.values(), ({ upstream }) => upstream));
  return (upstream) => !kept.has(upstream);
}

type TlsFiles = Readonly<Record<string, Buffer>>;

function readTls({ tls }: Settings, { resolvePath, readFile }: Configuration): TlsFiles {
  const read: Record<string, Buffer> = {};
  for (const part of ['ca', 'cert', 'key'] as const) {
    const path = tls?.[part];
    if (path !== undefined) read[part] = readFile(resolvePath(path));
  }
  return read;
}

/** `preserveHost` and `defaults` are no properties of the connections. */
function describe({ preserveHost: _, defaults: __, ...settings }: Settings, tls: TlsFiles): string {
  return JSON.stringify([settings, Object.entries(tls).map(([part, content]) => [part, content.toString('latin1')])]);
}
