/** What requests are judged and forwarded by, as one thing that is replaced as one. Types only. */
import type { ConfiguredName } from '../core/configured-name.ts';
import type { AnswerEdits } from '../core/header-edits.ts';
import type { TokenPattern } from '../core/imported-token.ts';
import type { Policy } from '../core/policy.ts';
import type { RouteTable } from '../core/route-table.ts';
import type { LineBudget } from '../observe/log.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { Endpoint } from './endpoint.ts';
import type { Sampler } from './sampler.ts';

/** Which requests leave lines in the log. */
export interface LogRules {
  readonly access: 'none' | 'refusals' | 'all';
  /** Which decisions do; null: none. */
  readonly refused: Sampler | null;
  readonly allowed: Sampler | null;
  /** By what these rules are known. */
  readonly configuration: string;
}

/** Rules that are tried out on some requests. */
export interface ShadowRules {
  readonly routes: RouteTable;
  readonly isTrustedProxy: (address: string) => boolean;
  readonly policy: Policy;
  readonly patterns: readonly TokenPattern[];
  /** How many requests a second are judged by them, too. */
  readonly budget: LineBudget;
  /** By what they are known. */
  readonly configuration: string;
}

/** One upstream, as routes refer to it. */
export interface UpstreamBinding {
  readonly name: ConfiguredName;
  readonly upstream: Upstream;
  /** Of its targets, in lower case, without the usual port. */
  readonly origins: ReadonlySet<string>;
  /** The upstream sees the client's Host instead of its own; undefined: where the route names hosts. */
  readonly preserveHost: boolean | undefined;
}

/** Everything that a reload replaces, whole: a request is judged and forwarded by one ruleset, never by two. */
export interface Ruleset {
  readonly routes: RouteTable;
  readonly policy: Policy;
  /** The origin of `gateway.publicUrl`; null: not configured. */
  readonly publicOrigin: string | null;
  /** Of answers to requests that no route takes; null: none. */
  readonly unroutedEdits: AnswerEdits | null;
  readonly upstreams: ReadonlyMap<string, UpstreamBinding>;
  readonly isTrustedProxy: (address: string) => boolean;
  /** What the gateway answers itself, by the name that routes use. */
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  /** Forms of tokens that another system minted, and how often one address may be wrong about them. */
  readonly imports: { readonly patterns: readonly TokenPattern[]; readonly missesPerMinute: number };
  /** Show clients where the time went. */
  readonly serverTiming: boolean;
  readonly log: LogRules;
  /** Rules that some requests are judged by, too, without being decided by them; null: none. */
  readonly shadow: ShadowRules | null;
}
