/** A configuration in two forms: compiled, to serve by, and packed, to go to another thread or process. Types only. */
import type { AnswerEdits } from '../../core/header-edits.ts';
import type { Policy } from '../../core/policy.ts';
import type { RateLimit } from '../../core/rate-limit.ts';
import type { RouteTable } from '../../core/route-table.ts';
import type { Problem } from '../../errors.ts';
import type { GatewayFile } from '../schema/gateway-schema.ts';
import type { PolicyFile } from '../schema/policy-schema.ts';
import type { Env } from '../yaml/expand.ts';
import type { ReadFile } from '../yaml/yaml-file.ts';
import type { KeyPairs } from './key-pair.ts';
import type { LeakKeys } from './leak-keys.ts';
import type { Seen } from './seen.ts';

/** The content of each file that the configuration names beside its policy, by its absolute path. */
export type Contents = ReadonlyMap<string, Uint8Array>;

/** What was found good, as data without code: what compiling it makes is the same everywhere. */
export interface Plain {
  /** Absolute. Relative paths in the file are relative to its folder. */
  readonly path: string;
  readonly file: GatewayFile;
  readonly policyPath: string;
  readonly policyFile: PolicyFile;
  /** By which it is known from others: of its files as they were written, without what they name. */
  readonly digest: string;
  /** Whether allowed requests are sent on, by us. */
  readonly forwards: boolean;
  /** Legal, but worth a look; `file:line:column: message`. */
  readonly warnings: readonly string[];
  /** Policy tests that have to hold before it comes into force, absolute. */
  readonly testFiles: readonly string[];
  /** What has to be read again when it changes. */
  readonly files: readonly string[];
  /** Exactly what was checked: what stands in the files may be something else by now. */
  readonly contents: Contents;
  /** Rules to try out beside these; null: none. */
  readonly shadow: Plain | null;
}

/** The same as texts, in pieces that are each read within a slice. */
export interface Packed {
  /** JSON, without routes and contents. */
  readonly rest: string;
  /** JSON lists. */
  readonly routes: readonly string[];
  readonly contents: Contents;
  readonly shadow: Packed | null;
}

/** Where a configuration comes from, so that it can be read there again. */
export interface Source {
  readonly path: string;
  readonly env: Env;
  /** Part of another program, which may send on itself what is allowed. */
  readonly embedded: boolean;
  /** Instead of the file's: `path` is only its name, and its paths count from `folder`. */
  readonly contents: { readonly text: string; readonly folder: string } | undefined;
}

/** What a check in another thread found. */
export interface CheckOutcome {
  /** null: it was not good. */
  readonly packed: Packed | null;
  readonly problems: readonly Problem[];
  /** All that were looked at, those that could not be read included. */
  readonly files: readonly string[];
  /** What was read of them. */
  readonly seen: ReadonlyMap<string, Seen>;
}

export interface Configuration extends Plain {
  readonly source: Source;
  readonly shadow: Configuration | null;
  readonly policy: Policy;
  readonly routes: RouteTable;
  readonly routeCount: number;
  /** The origin of `gateway.publicUrl`; null: not configured. */
  readonly publicOrigin: string | null;
  /** Of answers to requests that no route takes; null: none. */
  readonly unroutedEdits: AnswerEdits | null;
  /** Every rate limit, whether a route counts for it or not, and that of service accounts. */
  readonly limits: readonly RateLimit[];
  readonly resolvePath: (path: string) => string;
  /** Where what it names is read from: `contents`. */
  readonly readFile: ReadFile;
  /** Whose reports of leaked tokens are believed; null: nobody's. */
  readonly leakKeys: LeakKeys | null;
  /** What `gateway.tls` and `admin.tls` name, as it was read. */
  readonly keyPairs: KeyPairs;
}
