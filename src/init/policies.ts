/** The policies that come with scopegate, to begin one's own with, and the scopes of an OpenAPI document in one of them. */
import { readdirSync, readFileSync } from 'node:fs';
import { isSeq, parseDocument } from 'yaml';
import { isMapping } from '../config/yaml/bare-copy.ts';
import { placeOfValue, type TextEdit, withEdits } from './text-edits.ts';
import { comment, flow } from './written-yaml.ts';

const FOLDER = new URL('../../policies/', import.meta.url);

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
  const without = Object.keys(roles).filter((role) =>
    isSeq(document.getIn(['organizationRoles', role, 'scopes'], true)),
  );
  const edits: TextEdit[] = without.map((role) => ({
    ...placeOfValue(document, ['organizationRoles', role, 'scopes'])!,
    text: '[]',
  }));
  const list = placeOfValue(document, ['scopes'])!;
  const note =
    without.length === 0
      ? ''
      : `${comment(`Say in organizationRoles which of them are for ${without.join(' and ')}.`)}\n  `;
  edits.push({ ...list, text: `${note}${scopeItems(scopes, category).join('  ').trimEnd()}\n` });
  return { text: withEdits(text, edits).replace(/(- \{ name: [^\n]*\n)(?=\w)/, '$1\n'), without };
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
