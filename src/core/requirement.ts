/** What a route asks of the caller, compiled from configuration. Types only. */
import type { BodyField } from './bodies/inspected-body.ts';
import type { Role } from './facts.ts';
import type { ScopeRequirement } from './scope.ts';
import type { Selector } from './selector.ts';

export type WorkspaceRequirement =
  | { readonly as: 'workspace'; readonly selector: Selector; readonly role: Role }
  | { readonly as: 'environment'; readonly selector: Selector; readonly role: Role }
  | { readonly as: 'resource'; readonly type: string; readonly selector: Selector; readonly role: Role };

export interface ResourceRequirement {
  readonly type: string;
  readonly selector: Selector;
  /** `collaborator`: the owner or a collaborator. `owner`: the owner alone. `named`: anybody; policies may speak of it. */
  readonly relation: 'owner' | 'collaborator' | 'named';
}

/**
 * Which environment the request touches, beside a workspace that is judged by another value. `all`: it may touch any, so a
 * token that is limited to some does not do.
 */
export type EnvironmentRequirement = 'all' | { readonly selector: Selector };

export interface Requirement {
  /** null: any valid token. */
  readonly scopes: ScopeRequirement | null;
  /** API versions that the token may be made for; null: any, or none. */
  readonly apiVersions: ReadonlySet<string> | null;
  readonly workspace: WorkspaceRequirement | null;
  readonly environment: EnvironmentRequirement | null;
  readonly resource: ResourceRequirement | null;
  /** What must be known of the body; null: nothing, it is not read. */
  readonly bodyFields: readonly BodyField[] | null;
}
