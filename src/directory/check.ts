/**
 * Judges what a file's schema cannot: whether the names in it stand for something, in the file or in the directory as
 * it is. Notes problems where they stand; changes nothing.
 */
import { suggestion } from '../config/yaml/closest.ts';
import type { YamlFile } from '../config/yaml/yaml-file.ts';
import type { Path } from '../config/yaml/yaml-tree.ts';
import { emailMistake, nameMistake } from '../manage/written-text.ts';
import type { Present } from './current.ts';
import { collectionOf, type Field, type Item, itemKey, uniqueName, workspaceOf } from './item.ts';
import type { PolicyNames } from './sidecar.ts';

export interface CheckOptions {
  readonly policy: PolicyNames;
  /** What the file does not name will be gone, so nothing may refer to it. */
  readonly prune: boolean;
}

/** Adds to `file.problems` what is wrong with one organization. `wanted`: every item of it in the file. */
export function checkOrganization(
  file: YamlFile,
  wanted: readonly Item[],
  present: Present,
  options: CheckOptions,
): void {
  new Checker(file, wanted, present, options).run();
}

/** The enterprises of the file, and those that its organizations say they belong to. `held`: as the sidecar has them. */
export function checkEnterprises(
  file: YamlFile,
  enterprises: readonly Item[],
  organizations: readonly Item[],
  held: ReadonlyMap<string, Item>,
): void {
  const known = new Set([...enterprises.map(itemKey), ...held.keys()]);
  for (const item of enterprises) checkText(file, item, 'name', nameMistake);
  for (const item of organizations) {
    const { enterprise } = item.fields;
    if (typeof enterprise !== 'string' || known.has(enterprise)) continue;
    const message = `there is no enterprise ${JSON.stringify(enterprise)}, neither in this file nor in the directory${suggestion(enterprise, known)}`;
    file.problem([...pathOf(item), 'enterprise'], message);
  }
}

function checkText(
  file: YamlFile,
  item: Item,
  field: 'name' | 'email',
  mistakeIn: (text: string) => string | null,
): void {
  const text = item.fields[field];
  const mistake = typeof text === 'string' ? mistakeIn(text) : null;
  if (mistake !== null) file.problem([...pathOf(item), field], `${field} ${mistake}`);
}

interface Known {
  readonly what: string;
  readonly inFile: ReadonlySet<string>;
  readonly inDirectory: ReadonlySet<string>;
}

class Checker {
  readonly #file: YamlFile;
  readonly #wanted: readonly Item[];
  readonly #present: Present;
  readonly #options: CheckOptions;
  readonly #member: Known;
  readonly #team: Known;
  readonly #account: Known;
  readonly #party: Known;

  constructor(file: YamlFile, wanted: readonly Item[], present: Present, options: CheckOptions) {
    this.#file = file;
    this.#wanted = wanted;
    this.#present = present;
    this.#options = options;
    const named = (type: Item['type']) =>
      new Set(wanted.filter((item) => item.type === type).map((item) => item.path.at(-1)!));
    const kept = (ids: ReadonlySet<string>) => (options.prune ? new Set<string>() : ids);
    // Service accounts are nobody's to name in a file, and never removed.
    this.#member = { what: 'member', inFile: named('member'), inDirectory: kept(present.members) };
    this.#team = { what: 'team', inFile: named('team'), inDirectory: kept(present.teams) };
    this.#account = { what: 'service account', inFile: new Set(), inDirectory: present.accounts };
    const inDirectory = new Set([...this.#member.inDirectory, ...present.accounts]);
    this.#party = { what: 'member or service account', inFile: this.#member.inFile, inDirectory };
  }

  run(): void {
    for (const item of this.#wanted) {
      const at = pathOf(item);
      checkText(this.#file, item, 'name', nameMistake);
      checkText(this.#file, item, 'email', emailMistake);
      if (item.type === 'organization') this.#edition(item, at);
      else if (item.type === 'member') this.#policyNames(item, at);
      else if (item.type === 'team') this.#references(item, 'members', this.#member);
      else if (item.type === 'workspace') this.#references(item, 'owner', this.#member);
      else if (item.type === 'assignment') this.#assignee(item, at);
      else if (item.type === 'resource') {
        this.#references(item, 'owner', this.#party);
        this.#references(item, 'collaborators', this.#party);
      }
    }
    this.#unique();
  }

  #edition(item: Item, at: Path): void {
    const before = this.#present.items.get(itemKey(item))?.fields.edition;
    const after = item.fields.edition;
    if (before === undefined || after === undefined || before === after) return;
    const message = `the edition never changes, and ${item.path[0]} is ${String(before)}; make a new organization`;
    this.#file.problem([...at, 'edition'], message);
  }

  #policyNames(item: Item, at: Path): void {
    const { organizationRoles } = this.#options.policy;
    const { role } = item.fields;
    // An empty one is the schema's to refuse.
    if (typeof role === 'string' && role !== '' && !organizationRoles.includes(role)) {
      const message = `role must be one of: ${organizationRoles.join(', ')}${suggestion(role, organizationRoles)}`;
      this.#file.problem([...at, 'role'], message);
    }
    for (const field of ['scopes', 'actions'] as const) {
      const known = this.#options.policy[field];
      for (const [index, name] of listOf(item.fields[field]).entries()) {
        if (known.includes(name)) continue;
        const message = `the policy knows no ${field.slice(0, -1)} ${JSON.stringify(name)}${suggestion(name, known)}`;
        this.#file.problem([...at, field, index], message);
      }
    }
  }

  #assignee(item: Item, at: Path): void {
    const known = { members: this.#member, teams: this.#team, 'service-accounts': this.#account }[item.path[4]!]!;
    this.#reference(item.path.at(-1)!, known, at, true);
  }

  #references(item: Item, field: string, known: Known): void {
    const at = [...pathOf(item), field];
    const value = item.fields[field];
    if (typeof value === 'string') this.#reference(value, known, at);
    for (const [index, id] of listOf(value).entries()) this.#reference(id, known, [...at, index]);
  }

  #reference(id: string, { what, inFile, inDirectory }: Known, at: Path, key = false): void {
    if (inFile.has(id) || inDirectory.has(id)) return;
    const going = this.#options.prune && (what === 'team' ? this.#present.teams : this.#present.members).has(id);
    const name = JSON.stringify(id);
    const message = going
      ? `the ${what} ${name} is not in this file, so --prune would remove it`
      : `there is no ${what} ${name}, neither in this file nor in the directory${suggestion(id, [...inFile, ...inDirectory])}`;
    this.#file.problem(at, message, { key });
  }

  /** Ids of environments and resources stand once in the whole organization. */
  #unique(): void {
    const inFile = new Map<string, Item>();
    const elsewhere = new Map<string, Item>();
    for (const item of this.#present.items.values()) {
      const name = uniqueName(item);
      if (name !== undefined) elsewhere.set(name, item);
    }
    for (const item of this.#wanted) {
      const name = uniqueName(item);
      if (name === undefined) continue;
      const twin = inFile.get(name);
      inFile.set(name, item);
      const other = elsewhere.get(name);
      if (twin !== undefined) {
        const { line } = this.#file.at(pathOf(twin), { key: true });
        this.#taken(item, `already stands in line ${line}`);
      } else if (other !== undefined && itemKey(other) !== itemKey(item) && !this.#options.prune) {
        this.#taken(item, `stands in the workspace ${workspaceOf(other)}; --prune removes it there first`);
      }
    }
  }

  #taken(item: Item, where: string): void {
    const message = `the ${item.type} id ${JSON.stringify(item.path.at(-1))} ${where} (ids stand once in an organization)`;
    this.#file.problem(pathOf(item), message, { key: true });
  }
}

function pathOf(item: Item): Path {
  return [collectionOf(item), ...item.path];
}

function listOf(field: Field | undefined): readonly string[] {
  return Array.isArray(field) ? field : [];
}
