/** The examples of lint's findings, and the folder that each of them is looked at in. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import type { LintCode } from '../../src/lint/codes.ts';

/** `routes`, `limits`, `scopes`, `roles`: of gateway.yaml and its policy. Others are files, by their name. */
export type LintExample = Readonly<Record<string, string>>;

export const LINT_EXAMPLES = parse(
  readFileSync(fileURLToPath(new URL('examples.yaml', import.meta.url)), 'utf8'),
) as Readonly<Record<LintCode, { readonly found: LintExample; readonly clean: LintExample }>>;

const SCOPES = `- { name: "orders:read", category: Orders, description: Read orders }
- { name: "orders:write", category: Orders, description: Change orders }
`;

/** Writes the files of an example, and returns the path of its gateway.yaml. */
export function layExample(folder: string, example: LintExample): string {
  const { routes = '', limits, scopes = SCOPES, roles, ...files } = example;
  const gateway = [
    'policy: policy.yaml',
    'upstreams: { api: { targets: ["http://127.0.0.1:9000"] } }',
    ...(limits === undefined ? [] : [`limits:\n${indented(limits)}`]),
    `routes:\n${indented(routes)}`,
  ];
  const policy = [
    'name: own',
    `scopes:\n${indented(scopes)}`,
    `organizationRoles:\n${indented(roles ?? 'admin: { scopes: all, administrator: true }\n')}`,
    'defaultKind: personal',
    'kinds: { personal: { description: For people, prefix: pat, authority: live, selectable: [{ listed: joined }], expiry: { maxDays: 90 } } }',
  ];
  const all = { 'gateway.yaml': gateway.join('\n'), 'policy.yaml': `${policy.join('\n')}\n`, ...files };
  for (const [name, text] of Object.entries(all)) writeFileSync(join(folder, name), text);
  return join(folder, 'gateway.yaml');
}

const indented = (text: string) => text.replace(/^(?=.)/gm, '  ');
