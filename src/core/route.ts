/** A route, compiled: which requests it takes, what they must bring, where they go. Types only. */
import type { AddressRange } from './address-range.ts';
import type { ConfiguredName } from './configured-name.ts';
import type { CredentialSources } from './credential.ts';
import type { Dialect } from './dialect.ts';
import type { AnswerEdits, HeaderEdits } from './header-edits.ts';
import type { RouteLimits } from './rate-limit.ts';
import type { Registration } from './registration.ts';
import type { Requirement } from './requirement.ts';
import type { Rewrite } from './rewrite.ts';

/** How long its upstream may take, in milliseconds; see upstream/timeouts. */
export interface RouteTimeouts {
  readonly connectMs: number;
  readonly headersMs: number;
  readonly idleMs: number;
}

export interface Route {
  readonly id: ConfiguredName;
  /** The hosts that it is for, as core/host-name writes them; null: every host that no route names. */
  readonly hosts: readonly string[] | null;
  /** The template as written, e.g. `/v1/bots/{botId}`. */
  readonly template: string;
  /** Absent: every method that no other route of the same template names. */
  readonly methods: readonly string[] | undefined;
  /** `%2F` may stand in the path, as a part of its segment; otherwise such a request is refused. */
  readonly keepsEncodedSlashes: boolean;
  /** Where clients may be; null: anywhere. */
  readonly allowFrom: readonly AddressRange[] | null;
  /** null: public, no token is asked for. */
  readonly requirement: Requirement | null;
  /** Name of the upstream; ignored where the gateway answers itself. */
  readonly upstream: string;
  /** Name of the gateway's own endpoint that answers instead of an upstream. */
  readonly endpoint?: string;
  readonly credentials: CredentialSources;
  /** In whose words it is refused; null: the policy's. */
  readonly dialect: Dialect | null;
  /** Of the headers towards the upstream, credentials among them; null: none. */
  readonly requestEdits: HeaderEdits | null;
  /** Of the headers of answers; null: none. */
  readonly answerEdits: AnswerEdits | null;
  /** URIs of answers that name the upstream are turned into what clients may use. */
  readonly rewritesLocations: boolean;
  /** null: the upstream gets the path that was judged. */
  readonly rewrite: Rewrite | null;
  /** null: those of its upstream. */
  readonly timeouts: RouteTimeouts | null;
  /** Pass the client's Authorization on. */
  readonly forwardAuthorization: boolean;
  /** What a good answer tells of; null: nothing that is kept. */
  readonly registration: Registration | null;
  /** null: none. */
  readonly limits: RouteLimits | null;
}

/** One parsed template segment. `rest` only stands last. */
export type TemplateSegment =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'parameter'; readonly name: string }
  | { readonly kind: 'rest' };
