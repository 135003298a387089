/**
 * From a directory file and a sidecar to a plan, or to every problem in the file at once. Reads only: nothing is
 * changed here.
 */
import { DirectorySchema } from '../config/schema/directory-schema.ts';
import { validate } from '../config/schema/validate.ts';
import type { YamlFile } from '../config/yaml/yaml-file.ts';
import { isId } from '../core/facts.ts';
import { PASTED_TOKEN, pastedTokens } from '../core/pasted-token.ts';
import { ConfigError, SetupError } from '../errors.ts';
import { checkEnterprises, checkOrganization } from './check.ts';
import { type Present, readEnterprises, readPresent } from './current.ts';
import { wantedEnterprises, wantedItems } from './desired.ts';
import { type Item, workspaceOf } from './item.ts';
import { type Plan, type PlannedChange, planEnterprises, planOrganization } from './plan.ts';
import { preview } from './preview.ts';
import { type Sidecar, SidecarRefusal } from './sidecar.ts';

export interface PrepareOptions {
  /** Remove what the file does not name, within the organizations that it names. */
  readonly prune: boolean;
  /** Told of what is read next. */
  readonly onStep: (text: string) => void;
}

interface Wanted {
  readonly enterprises: readonly Item[];
  readonly organizations: ReadonlyMap<string, readonly Item[]>;
}

interface Read {
  readonly wanted: readonly Item[];
  readonly present: Present;
}

/**
 * Rejects with ConfigError (every problem of the file), SidecarRefusal (the sidecar's no) or SetupError (no sidecar to ask).
 * Without a sidecar only what the schema finds is told.
 */
export async function preparePlan(file: YamlFile, sidecar: Sidecar, options: PrepareOptions): Promise<Plan> {
  const data = validate(file, DirectorySchema);
  for (const { path, key } of pastedTokens(file.data)) file.problem(path, PASTED_TOKEN, { key });
  // Names are judged in a file that its schema refuses, too, so that all is told at once.
  const enterprises = wantedEnterprises(data ?? file.data);
  const organizations = byOrganization(wantedItems(data ?? file.data));
  const { held, read } = await readAll(file, sidecar, { enterprises, organizations }, options);
  file.throwIfAny();
  if (data === undefined)
    throw new ConfigError([{ file: file.name, line: 1, column: 1, message: 'does not fit its schema' }]);
  const first = planEnterprises(enterprises, held);
  const changes: PlannedChange[] = [...first.changes];
  let { unchanged } = first;
  for (const { wanted, present } of read) {
    const plan = planOrganization(wanted, present, options.prune);
    changes.push(...(await preview(sidecar, plan.changes, present)));
    unchanged += plan.unchanged;
  }
  return { changes, unchanged };
}

async function readAll(
  file: YamlFile,
  sidecar: Sidecar,
  { enterprises, organizations }: Wanted,
  { prune, onStep }: PrepareOptions,
): Promise<{ readonly held: ReadonlyMap<string, Item>; readonly read: readonly Read[] }> {
  try {
    const policy = await sidecar.policy();
    // An older sidecar has none, and nobody who names none needs them.
    const isNamed = [...organizations.values()].flat().some(({ fields }) => typeof fields.enterprise === 'string');
    const held = enterprises.length > 0 || isNamed ? await readEnterprises(sidecar) : new Map<string, Item>();
    checkEnterprises(file, enterprises, [...organizations.values()].flat(), held);
    const read: Read[] = [];
    for (const [org, wanted] of organizations) {
      onStep(`reading ${org}`);
      const named = new Set(wanted.map(workspaceOf));
      const present = await readPresent(sidecar, org, {
        wantsContents: (workspaceId) => prune || named.has(workspaceId),
        wantsAccounts: wanted.some(({ type, path }) => type === 'resource' || path[4] === 'service-accounts'),
      });
      checkOrganization(file, wanted, present, { policy, prune });
      read.push({ wanted, present });
    }
    return { held, read };
  } catch (error) {
    // What is wrong with the file can be mended without a sidecar.
    if (error instanceof SidecarRefusal || error instanceof SetupError) file.throwIfAny();
    throw error;
  }
}

/** In the order of the file. An id that cannot be one names nothing at the sidecar, and the schema says so. */
function byOrganization(items: readonly Item[]): Map<string, Item[]> {
  const organizations = new Map<string, Item[]>();
  for (const item of items) {
    const org = item.path[0]!;
    if (!isId(org)) continue;
    const ofOrganization = organizations.get(org);
    if (ofOrganization === undefined) organizations.set(org, [item]);
    else ofOrganization.push(item);
  }
  return organizations;
}
