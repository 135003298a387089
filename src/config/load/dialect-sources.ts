/** Dialects as a policy says them, made whole: each has a look and a row of every reason. Compiles nothing. */
import { BUILT_IN_DIALECTS, type DialectRow, type DialectSource, defaultRows } from '../../core/dialect.ts';
import type { Reason } from '../../core/reason.ts';
import type { PolicyFile } from '../schema/policy-schema.ts';

type OwnDialect = Exclude<PolicyFile['dialect'], string>;

/** Every dialect that may be named, those that are built in among them. */
export function dialectSources(named: PolicyFile['dialects']): ReadonlyMap<string, DialectSource> {
  const sources = new Map<string, DialectSource>(Object.entries(BUILT_IN_DIALECTS));
  for (const [name, { extends: base, body, ...own }] of Object.entries(named)) {
    const from = base === undefined ? undefined : BUILT_IN_DIALECTS[base];
    // Without a base the body has to be said; where it is not, that is told, and this one is never used.
    sources.set(name, whole({ ...own, body: body ?? from?.body ?? {} } as OwnDialect, from));
  }
  return sources;
}

/** The one that a policy writes under `dialect` itself. */
export function ownDialect(dialect: OwnDialect): DialectSource {
  return whole(dialect, undefined);
}

function whole(dialect: OwnDialect, base: DialectSource | undefined): DialectSource {
  const rows = base?.reasons ?? defaultRows((reason) => reason);
  return {
    contentType: dialect.contentType ?? base?.contentType ?? 'application/json',
    headers: dialect.headers ?? base?.headers ?? {},
    body: dialect.body as DialectSource['body'],
    reasons: { ...rows, ...(dialect.reasons as Partial<Record<Reason, DialectRow>>) },
  };
}
