/** The policies that come with scopegate, to begin one's own with, and the scopes of an OpenAPI document in one of them. */
import { readdirSync, readFileSync } from 'node:fs';
import { isCollection, parseDocument } from 'yaml';
import { isMapping } from '../config/yaml/bare-copy.ts';
import { packageFile } from '../package-files.ts';
import { placeOfValue, type TextEdit, withEdits } from './text-edits.ts';
import { comment, flow } from './written-yaml.ts';

const FOLDER = packageFile('policies/');

/** The recommended one first. */
export function policyNames(): string[] {
  const names = readdirSync(FOLDER).flatMap((file) => /^([a-z-]+)\.yaml$/.exec(file)?.[1] ?? []);
  return names.sort((a, b) => Number(b === 'default') - Number(a === 'default') || a.localeCompare(b));
}

export function policyText(name: string): string {
  return readFileSync(new URL(`${name}.yaml`, FOLDER), 'utf8');
}

export interface NewScope {
  readonly name: string;
  readonly description: string;
}

/** As items of the list `scopes` of a policy. */
export function scopeItems(scopes: readonly NewScope[], category: string): string[] {
  return scopes.map(({ name, description }) => `- ${flow({ name, category, description })}\n`);
}

/**
 * With these scopes instead of its own. Roles that had some of its own have none then: who may have which is nothing that a
 * document of an API says. `without`: those roles.
 */
export function withScopes(
  text: string,
  scopes: readonly NewScope[],
  category: string,
): { text: string; without: string[] } {
  const document = parseDocument(text);
  const roles = document.toJS().organizationRoles as Record<string, unknown>;
  // A list of its own, or all but a list of its own.
  const without = Object.keys(roles).filter((role) =>
    isCollection(document.getIn(['organizationRoles', role, 'scopes'], true)),
  );
  const edits: TextEdit[] = without.map((role) => ({
    ...placeOfValue(document, ['organizationRoles', role, 'scopes'])!,
    text: `[]${lineEndOf(text, placeOfValue(document, ['organizationRoles', role, 'scopes'])!.to)}`,
  }));
  const actions = placeOfValue(document, ['iam', 'actions']);
  // Of its own scopes, too; without an action a named policy allows and denies nothing.
  if (actions !== null) edits.push({ ...actions, text: `{}${lineEndOf(text, actions.to)}` });
  const list = placeOfValue(document, ['scopes'])!;
  const note =
    without.length === 0
      ? ''
      : `${comment(`Say in organizationRoles which of them are for ${without.join(' and ')}.`)}\n  `;
  edits.push({ ...list, text: `${note}${scopeItems(scopes, category).join('  ').trimEnd()}\n` });
  return { text: withEdits(text, edits).replace(/(- \{ name: [^\n]*\n)(?=\w)/, '$1\n'), without };
}

/** A collection in block style ends where the next line begins. */
function lineEndOf(text: string, end: number): string {
  return text[end - 1] === '\n' ? '\n' : '';
}

/** Its name, and the role that stands highest. */
export function policyFacts(text: string): {
  readonly role: string;
  readonly scopes: readonly string[];
  readonly defaultKind: string;
  readonly contact: boolean;
} {
  const data = parseDocument(text).toJS() as {
    readonly organizationRoles: Record<string, unknown>;
    readonly scopes: ReadonlyArray<{ readonly name: string }>;
    readonly defaultKind: string;
    readonly kinds: Record<string, unknown>;
  };
  const kind = data.kinds[data.defaultKind];
  return {
    role: Object.keys(data.organizationRoles)[0]!,
    scopes: data.scopes.map(({ name }) => name),
    defaultKind: data.defaultKind,
    contact: isMapping(kind) && kind.contact === 'required',
  };
}
