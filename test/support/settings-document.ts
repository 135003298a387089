/** Tables of settings, made from the schemas that validate them: name, what it may be, default, meaning. */
import { isDeepStrictEqual } from 'node:util';
import type { TSchema } from 'typebox';
import { GatewaySchema } from '../../src/config/schema/gateway-schema.ts';
import { PolicySchema } from '../../src/config/schema/policy-schema.ts';

interface View {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly View[];
  readonly items?: View;
  readonly properties?: Readonly<Record<string, View>>;
  readonly patternProperties?: Readonly<Record<string, View>>;
  readonly required?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
}

interface Row {
  readonly path: string;
  readonly kind: string;
  readonly byDefault: string;
  readonly description: string;
}

function rowsOf(schema: View, path: string): Row[] {
  const branches = schema.anyOf ?? [schema];
  return branches.flatMap((branch) => {
    const named = Object.entries(branch.properties ?? {}).flatMap(([key, value]) =>
      settingRows(value, path === '' ? key : `${path}.${key}`, branch.required?.includes(key) === true),
    );
    const records = Object.values(branch.patternProperties ?? {}).flatMap((value) => rowsOf(value, `${path}.NAME`));
    const items = branch.items === undefined ? [] : rowsOf(branch.items, `${path}[]`);
    return [...named, ...records, ...items];
  });
}

function settingRows(schema: View, path: string, required: boolean): Row[] {
  const byDefault = schema.default !== undefined ? shown(schema.default) : required ? 'required' : '';
  const row = { path, kind: kindOf(schema), byDefault, description: schema.description ?? '' };
  const alike = alikeOf(schema);
  if (alike === null) return [row, ...rowsOf(schema, path)];
  const names = Object.keys(schema.properties!).map((name) => `\`${name}\``);
  const description = `For each of ${names.join(', ')}: ${partsOf(alike)}`;
  return [row, { path: `${path}.*`, kind: 'mapping', byDefault: 'required', description }];
}

/** One row says of many settings what each of them would repeat. */
const ALIKE_MIN = 5;

/** What each setting of a mapping is, where it has many and all of them are alike; else null. */
function alikeOf({ properties }: View): View | null {
  const [first, ...others] = Object.values(properties ?? {});
  if (first?.properties === undefined || others.length + 1 < ALIKE_MIN) return null;
  return others.every((other) => isDeepStrictEqual(other, first)) ? first : null;
}

/** The keys of a mapping, in one cell. */
function partsOf({ properties = {}, required = [] }: View): string {
  const parts = Object.entries(properties).map(([key, value]) => {
    const meaning = value.description === undefined ? '' : `: ${value.description.replace(/\.$/, '')}`;
    return `\`${key}\` (${kindOf(value)}${required.includes(key) ? ', required' : ''})${meaning}`;
  });
  return parts.join('; ');
}

function kindOf(schema: View): string {
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(kindOf))].join(' or ');
  if (schema.type === 'array') return `list of ${kindOf(schema.items ?? {})}`;
  const range =
    schema.minimum === undefined && schema.maximum === undefined
      ? ''
      : ` ${schema.minimum ?? '…'} to ${schema.maximum ?? '…'}`;
  return `${schema.type === 'object' ? 'mapping' : (schema.type ?? 'anything')}${schema.type === 'integer' || schema.type === 'number' ? range : ''}`;
}

function shown(value: unknown): string {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
    ? ''
    : `\`${JSON.stringify(value)}\``;
}

function table(schema: TSchema): string {
  const cell = (text: string) => text.replace(/\|/g, '\\|').replace(/\n/g, ' ');
  const unique = new Map<string, Row>();
  for (const row of rowsOf(schema as unknown as View, '')) if (!unique.has(row.path)) unique.set(row.path, row);
  const lines = Array.from(
    unique.values(),
    (row) => `| \`${row.path}\` | ${cell(row.kind)} | ${cell(row.byDefault)} | ${cell(row.description)} |`,
  );
  return `| setting | is | default | means |\n| --- | --- | --- | --- |\n${lines.join('\n')}`;
}

export function settingsDocument(): string {
  return `# Settings

Every setting of both files, from the schemas that check them. \`NAME\` stands for a name of yours, \`[]\` for an entry of a
list, \`*\` for each of the names that its row lists. An unknown key is an error. Made by \`npm run generate\`.

## gateway.yaml

${table(GatewaySchema)}

## policies/*.yaml

A policy says which kinds of token and which scopes there are, who may make them, how long they live, and how refusals
look. Five come with scopegate: \`coze\`, \`featbit\`, \`impact\` and \`scrydon\` stand in for the systems they are named after,
\`default\` is the blend we recommend.

${table(PolicySchema)}
`;
}
