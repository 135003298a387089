/**
 * What changes for callers where a request meets one route instead of another: whether fewer may pass, or more. By what the
 * decision asks, part by part; what becomes of a request behind it is no part of this.
 */
import { type AddressRange, coversRanges } from '../core/address-range.ts';
import type { CredentialSources } from '../core/credential.ts';
import type { Requirement, ResourceRequirement, WorkspaceRequirement } from '../core/requirement.ts';
import type { Route } from '../core/route.ts';
import { acceptedScopes, type ScopeRequirement, satisfies } from '../core/scope.ts';
import type { Selector, SelectorPlace } from '../core/selector.ts';

/** `both`: some who passed do not any more, and others do. */
export type Direction = 'same' | 'narrower' | 'wider' | 'both';

export interface PartChange {
  readonly before: string;
  readonly after: string;
  readonly direction: Direction;
}

/** null: no route takes it. */
export type Gate = Route | null;

/** Empty: the two ask for the same. */
export function compareGates(before: Gate, after: Gate): PartChange[] {
  if (before === null || after === null) {
    if (before === after) return [];
    const direction = before === null ? 'wider' : 'narrower';
    return [{ before: gateText(before), after: gateText(after), direction }];
  }
  const parts: Array<PartChange | null> = [
    part(before.requirement, after.requirement, requirementOrPublic, directionOfPublic),
    ...(before.requirement !== null && after.requirement !== null
      ? requirementParts(before.requirement, after.requirement)
      : []),
    part(before.allowFrom, after.allowFrom, rangesText, directionOfRanges),
    part(before.keepsEncodedSlashes, after.keepsEncodedSlashes, slashText, (_, kept) => (kept ? 'wider' : 'narrower')),
    ...(before.requirement !== null && after.requirement !== null
      ? [part(before.credentials, after.credentials, sourcesText, directionOfSources)]
      : []),
  ];
  return parts.filter((each) => each !== null);
}

export function joined(directions: readonly Direction[]): Direction {
  const isWider = directions.some((each) => each === 'wider' || each === 'both');
  const isNarrower = directions.some((each) => each === 'narrower' || each === 'both');
  return isWider ? (isNarrower ? 'both' : 'wider') : isNarrower ? 'narrower' : 'same';
}

export function gateText(gate: Gate): string {
  if (gate === null) return 'refused';
  if (gate.requirement === null) return 'public';
  const { scopes, apiVersions, workspace, resource } = gate.requirement;
  const texts = [
    scopesText(scopes),
    ...(apiVersions === null ? [] : [versionsText(apiVersions)]),
    ...(workspace === null ? [] : [workspaceText(workspace)]),
    ...(resource === null ? [] : [resourceText(resource)]),
  ];
  return texts.join(', ');
}

function part<T>(
  before: T,
  after: T,
  text: (value: T) => string,
  direction: (before: T, after: T) => Direction,
): PartChange | null {
  const [was, is] = [text(before), text(after)];
  if (was === is) return null;
  const found = direction(before, after);
  return found === 'same' ? null : { before: was, after: is, direction: found };
}

function requirementOrPublic(requirement: Requirement | null): string {
  return requirement === null ? 'public' : 'a token';
}

function directionOfPublic(before: Requirement | null): Direction {
  return before === null ? 'narrower' : 'wider';
}

function requirementParts(before: Requirement, after: Requirement): Array<PartChange | null> {
  return [
    part(before.scopes, after.scopes, scopesText, directionOfScopes),
    part(before.apiVersions, after.apiVersions, versionsText, directionOfSets),
    part(before.workspace, after.workspace, workspaceText, directionOfWorkspaces),
    part(before.resource, after.resource, resourceText, directionOfResources),
  ];
}

function scopesText(scopes: ScopeRequirement | null): string {
  if (scopes === null) return 'any token';
  return scopes.named.length === 0 ? 'any token' : scopes.named.join(scopes.all ? ' and ' : ' or ');
}

/** By each smallest set of scopes that opens the one: does it open the other? */
export function directionOfScopes(before: ScopeRequirement | null, after: ScopeRequirement | null): Direction {
  const isNarrower = openings(before).some((held) => !opens(after, held));
  const isWider = openings(after).some((held) => !opens(before, held));
  return joined([isNarrower ? 'narrower' : 'same', isWider ? 'wider' : 'same']);
}

function opens(asked: ScopeRequirement | null, held: ReadonlySet<string>): boolean {
  return asked === null || satisfies(asked, held, 'all');
}

function openings(asked: ScopeRequirement | null): ReadonlyArray<ReadonlySet<string>> {
  if (asked === null) return [new Set()];
  if (!asked.all) return asked.named.flatMap((scope) => acceptedScopes(scope).map((each) => new Set([each])));
  let sets: ReadonlyArray<readonly string[]> = [[]];
  for (const scope of asked.named) sets = sets.flatMap((set) => acceptedScopes(scope).map((each) => [...set, each]));
  return sets.map((set) => new Set(set));
}

function versionsText(versions: ReadonlySet<string> | null): string {
  return versions === null ? 'any API version' : `API version ${[...versions].toSorted().join(' or ')}`;
}

export function directionOfSets(before: ReadonlySet<string> | null, after: ReadonlySet<string> | null): Direction {
  if (before === null || after === null) return before === after ? 'same' : before === null ? 'narrower' : 'wider';
  return joined([
    [...before].every((each) => after.has(each)) ? 'same' : 'narrower',
    [...after].every((each) => before.has(each)) ? 'same' : 'wider',
  ]);
}

function workspaceText(workspace: WorkspaceRequirement | null): string {
  if (workspace === null) return 'any workspace';
  const what = workspace.as === 'resource' ? workspace.type : workspace.as;
  return `${workspace.role} of the workspace by ${what} ${selectorText(workspace.selector)}`;
}

function directionOfWorkspaces(before: WorkspaceRequirement | null, after: WorkspaceRequirement | null): Direction {
  if (before === null || after === null) return before === null ? 'narrower' : 'wider';
  // Elsewhere in the request another workspace may be named.
  if (workspaceText({ ...before, role: 'member' }) !== workspaceText({ ...after, role: 'member' })) return 'both';
  return after.role === 'admin' ? 'narrower' : 'wider';
}

function resourceText(resource: ResourceRequirement | null): string {
  if (resource === null) return 'anybody';
  return `${resource.relation} of ${resource.type} ${selectorText(resource.selector)}`;
}

function directionOfResources(before: ResourceRequirement | null, after: ResourceRequirement | null): Direction {
  if (before === null || after === null) return before === null ? 'narrower' : 'wider';
  if (resourceText({ ...before, relation: 'owner' }) !== resourceText({ ...after, relation: 'owner' })) return 'both';
  return after.relation === 'owner' ? 'narrower' : 'wider';
}

function selectorText(selector: Selector): string {
  return selector.from === 'list' ? selector.places.map(placeText).join(' or ') : placeText(selector);
}

function placeText(place: SelectorPlace): string {
  switch (place.from) {
    case 'path':
      return `segment ${place.index + 1} of the path`;
    case 'body':
      return `body.${place.field.name}`;
    default:
      return `${place.from}.${place.name}`;
  }
}

function rangesText(ranges: readonly AddressRange[] | null): string {
  if (ranges === null) return 'from anywhere';
  return `from ${ranges.map(({ width, first, free }) => `${width === 32 ? v4(first) : first.toString(16)}/${BigInt(width) - free}`).join(' or ')}`;
}

function v4(bits: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => String((bits >> shift) & 255n)).join('.');
}

function directionOfRanges(before: readonly AddressRange[] | null, after: readonly AddressRange[] | null): Direction {
  if (before === null || after === null) return before === null ? 'narrower' : 'wider';
  return joined([coversRanges(after, before) ? 'same' : 'narrower', coversRanges(before, after) ? 'same' : 'wider']);
}

function slashText(keeps: boolean): string {
  return keeps ? 'with %2F in the path' : 'without %2F in the path';
}

function sourcesOf(sources: CredentialSources): ReadonlySet<string> {
  const { bearer, raw, basic, headers, queries, leavesAuthorization } = sources;
  const authorization = leavesAuthorization
    ? []
    : [...(bearer ? ['Bearer'] : []), ...(raw ? ['bare Authorization'] : []), ...(basic === null ? [] : ['Basic'])];
  return new Set([
    ...authorization,
    ...headers.map(({ name }) => `header ${name}`),
    ...queries.map(({ name }) => `query ${name}`),
  ]);
}

function sourcesText(sources: CredentialSources): string {
  return `token by ${[...sourcesOf(sources)].join(', ')}`;
}

function directionOfSources(before: CredentialSources, after: CredentialSources): Direction {
  return directionOfSets(sourcesOf(before), sourcesOf(after));
}
