/** Shows changes to people (lines) and to programs (plain data). Only words and shapes; prints nothing itself. */
import { type Field, itemName } from './item.ts';
import type { Action, Cascade, PlannedChange } from './plan.ts';

const SIGNS: Readonly<Record<Action, string>> = { created: '+', changed: '~', removed: '-' };
/** Longer lists are shown by what comes and goes. */
const LIST_MAX = 12;

const CASCADES: Readonly<Record<string, string>> = {
  revokedTokens: 'tokens that end for good',
  deactivatedTokens: 'tokens that end for good',
  keptTokens: 'tokens that go on',
  contactlessTokens: 'tokens left without their primary contact',
  leftTeams: 'teams left',
  ownedWorkspaces: 'workspaces left without an owner',
  environments: 'environments removed with it',
  assignments: 'assignments removed with it',
  resources: 'resources removed with it',
};

export interface Counts {
  readonly created: number;
  readonly changed: number;
  readonly removed: number;
}

export function count(changes: readonly PlannedChange[]): Counts {
  const of = (action: Action) => changes.filter((change) => change.action === action).length;
  return { created: of('created'), changed: of('changed'), removed: of('removed') };
}

export function countsText({ created, changed, removed }: Counts): string {
  return `${created} created, ${changed} changed, ${removed} removed`;
}

/** `+ member acme/bob (name Bob, role member)`, and under a change one line per field and per list of its cascade. */
export function changeText(change: PlannedChange): string {
  const { action, item, fields, cascade } = change;
  const head = `${SIGNS[action]} ${item.type} ${itemName(item)}`;
  const entries = Object.entries(fields);
  if (action === 'created') {
    const given = entries.map(([name, { after }]) => `${name} ${fieldText(after)}`);
    return `${head} (${given.join(', ')})`;
  }
  const lines = entries.map(([name, { before, after }]) => `${name}: ${beforeAfter(before, after)}`);
  if (cascade !== null) lines.push(...cascadeTexts(cascade));
  else if (item.type === 'workspace' && fields.owner !== undefined)
    lines.push('which tokens this ends is not known before the new owner is a member');
  return [head, ...lines.map((line) => `    ${line}`)].join('\n');
}

function cascadeTexts(cascade: Cascade): string[] {
  const told = Object.entries(cascade).filter(([, ids]) => ids.length > 0);
  if (told.length === 0) return ['nothing goes with it'];
  return told.map(([name, ids]) => `${CASCADES[name] ?? name}: ${ids.join(', ')}`);
}

function beforeAfter(before: Field | undefined, after: Field | undefined): string {
  if (!Array.isArray(before) || !Array.isArray(after) || before.length + after.length <= LIST_MAX)
    return `${fieldText(before)} → ${fieldText(after)}`;
  const come = after.filter((each) => !before.includes(each)).map((each) => `+${valueText(each)}`);
  const go = before.filter((each) => !after.includes(each)).map((each) => `-${valueText(each)}`);
  return `${before.length} → ${after.length} entries: ${shortened([...come, ...go])}`;
}

function fieldText(field: Field | undefined): string {
  if (field === undefined || field === null) return 'nothing';
  if (typeof field === 'string') return valueText(field);
  return field.length > LIST_MAX ? `${field.length} entries` : `[${field.map(valueText).join(', ')}]`;
}

function shortened(words: readonly string[]): string {
  const more = words.length - LIST_MAX;
  return more > 0 ? `${words.slice(0, LIST_MAX).join(', ')} and ${more} more` : words.join(', ');
}

/** What could be mistaken for something else, or move a terminal's cursor, is quoted. */
function valueText(value: string): string {
  return /^[\p{L}\p{N}._@|:-]+$/u.test(value) ? value : JSON.stringify(value);
}

/** `{action, type, path, fields: {name: {before, after}}, cascade?}`; null where there was or will be nothing. */
export function changeData({ action, item, fields, cascade }: PlannedChange) {
  const shown = Object.entries(fields).map(([name, { before, after }]) => [
    name,
    { before: before ?? null, after: after ?? null },
  ]);
  return {
    action,
    type: item.type,
    path: item.path.join('/'),
    fields: Object.fromEntries(shown) as Readonly<Record<string, { before: Field; after: Field }>>,
    ...(cascade === null ? {} : { cascade }),
  };
}
