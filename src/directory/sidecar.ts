/**
 * What is asked of a sidecar and how it says no. Only the shapes: who speaks HTTP, with which key, is the caller's
 * affair.
 */

export type SidecarAnswer = Readonly<Record<string, unknown>>;
type Method = 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';

export interface Call {
  readonly method: Method;
  /** Absent: organizations. */
  readonly collection?: 'enterprises' | 'organizations';
  /** Below the collection; each part is encoded by the sidecar's client. */
  readonly path: readonly string[];
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: SidecarAnswer;
}

/** What a directory file may name. */
export interface PolicyNames {
  readonly organizationRoles: readonly string[];
  readonly scopes: readonly string[];
  readonly actions: readonly string[];
}

export interface Sidecar {
  /** The policy in force, as `GET /v1/policy` shows it. Rejects with SetupError when this is no sidecar. */
  policy(): Promise<PolicyNames>;
  /** The parsed answer. Rejects with SidecarRefusal, or with SetupError when the sidecar cannot be asked at all. */
  call(call: Call): Promise<SidecarAnswer>;
}

/** The sidecar's no, in its own words. */
export class SidecarRefusal extends Error {
  readonly status: number;
  /** The sidecar's stable code, or `unknown` where the answer had none. */
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

const PAGE = '1000';

/** Every page of a list. */
export async function listAll(
  sidecar: Sidecar,
  path: readonly string[],
  collection: NonNullable<Call['collection']> = 'organizations',
): Promise<SidecarAnswer[]> {
  const items: SidecarAnswer[] = [];
  let cursor: string | null = null;
  do {
    const query: Record<string, string> = cursor === null ? { limit: PAGE } : { limit: PAGE, cursor };
    const page: SidecarAnswer = await sidecar.call({ method: 'GET', collection, path, query });
    items.push(...(page.items as SidecarAnswer[]));
    cursor = page.nextCursor as string | null;
  } while (cursor !== null);
  return items;
}
