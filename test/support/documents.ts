/**
 * Documents made from the sources and tests: which test holds which requirement, how every reason looks in every
 * dialect, and what attacks are held off. `npm run generate` writes them; a test keeps them current.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { loadPolicy } from '../../src/config/load/load-policy.ts';
import { BUILT_IN_DIALECTS, compileDialect, type Dialect } from '../../src/core/dialect.ts';
import { REASON_NAMES, reasonRow } from '../../src/core/reason.ts';
import { cliDocument } from './cli-document.ts';
import { conformanceDocument } from './conformance-document.ts';
import { lintDocument } from './lint-document.ts';
import { settingsDocument } from './settings-document.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ID = /\b(?:COZE-SAT|COZE-PAT|IMPACT|FEATBIT|SCRYDON|X)-\d+\b/g;

export interface Requirement {
  readonly id: string;
  readonly statement: string;
  readonly tests: ReadonlyArray<{ readonly file: string; readonly name: string }>;
}

/** Every requirement with the tests whose names carry its id. */
export function requirements(): Requirement[] {
  const statements = parse(readFileSync(join(ROOT, 'test/requirements/requirements.yaml'), 'utf8')) as Record<
    string,
    string
  >;
  const tests = testNames();
  return Object.entries(statements).map(([id, statement]) => ({
    id,
    statement,
    tests: tests.filter(({ name }) => name.match(ID)?.includes(id)),
  }));
}

/** Names of tests, as they are spelled in the sources. */
function testNames(): Array<{ file: string; name: string }> {
  const files = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.test.ts'),
  );
  return files.sort().flatMap((file) => {
    const text = readFileSync(join(ROOT, 'test', file), 'utf8');
    const found = text.matchAll(
      /\b(?:it|test)(?:\.\w+)*(?:\([^'"`]*\))?\(\s*(['"`])((?:\\.|(?!\1).)*)\1|^\s*\[\s*(['"])((?:SCRYDON|COZE|FEATBIT|IMPACT|X)-\d.*?)\3/gm,
    );
    return Array.from(found, (match) => ({
      file: `test/${file}`,
      name: (match[2] ?? match[4])!.replace(/\\(.)/g, '$1'),
    }));
  });
}

export function requirementsDocument(): string {
  const rows = requirements().map(({ id, statement, tests }) => {
    const held = tests.map(({ file, name }) => `[${name.replace(ID, '').trim().replace(/\|/g, '\\|')}](../${file})`);
    return `| ${id} | ${statement.replace(/\|/g, '\\|')} | ${held.join('<br>')} |`;
  });
  return `# Requirements

What the source documents require, and the tests that hold scopegate to it. Made by \`npm run generate\`.

| id | what is required | tests |
| --- | --- | --- |
${rows.join('\n')}

## Where a source can be read in two ways

| id | question | the reading that we took | the setting that takes the other |
| --- | --- | --- | --- |
${readings().join('\n')}
`;
}

function readings(): string[] {
  const all = parse(readFileSync(join(ROOT, 'test/requirements/readings.yaml'), 'utf8')) as Array<
    Record<'id' | 'question' | 'taken' | 'setting', string>
  >;
  return all.map(({ id, question, taken, setting }) => `| ${id} | ${question} | ${taken} | ${setting} |`);
}

export function refusalsDocument(): string {
  const policies = ['coze', 'featbit'].map((name) => {
    const { policy } = loadPolicy(join(ROOT, `policies/${name}.yaml`), {});
    return [name, policy!.dialect] as const;
  });
  const dialects: Array<readonly [string, Dialect]> = [
    ...policies,
    ['oauth', compileDialect(BUILT_IN_DIALECTS.oauth)],
    ['problem', compileDialect(BUILT_IN_DIALECTS.problem)],
  ];
  const rows = REASON_NAMES.map((reason) => {
    const cells = dialects.map(([, dialect]) => {
      const { status, body, headers } = dialect.render(reason, {
        requestId: 'ID',
        ...(reason === 'scope_missing' ? { scopes: 'x:write' } : {}),
      });
      // A dialect may give a reason one status where it has several.
      const others = (reasonRow(reason).otherStatuses ?? []).map(
        (other) => dialect.render(reason, { requestId: 'ID', status: other }).status,
      );
      const statuses = [...new Set([status, ...others])].join(' or ');
      const challenge = headers[headers.indexOf('WWW-Authenticate') + 1];
      const shown = headers.includes('WWW-Authenticate') ? `<br>\`${challenge}\`` : '';
      return `${statuses} \`${body.replace(/\|/g, '\\|')}\`${shown}`;
    });
    return `| \`${reason}\` | ${reasonRow(reason).blame} | ${cells.join(' | ')} |`;
  });
  return `# Refusals

Every reason that the gateway can refuse for, in every dialect that comes with it: status, body and, where RFC 6750 asks
for one, the challenge. \`ID\` stands for the request id, which every refusal also carries as \`X-Request-Id\` and, its own, as \`X-Scopegate-Decision-Id\`. A policy
renders them in its own words with \`dialect\`. Made by \`npm run generate\`.

| reason | who can mend it | ${dialects.map(([name]) => name).join(' | ')} |
| --- | --- | ${dialects.map(() => '---').join(' | ')} |
${rows.join('\n')}
`;
}

export const DOCUMENTS: Readonly<Record<string, () => string>> = {
  'docs/requirements.md': requirementsDocument,
  'docs/refusals.md': refusalsDocument,
  'docs/cli.md': () => cliDocument(ROOT),
  'docs/lint.md': lintDocument,
  'docs/settings.md': settingsDocument,
  'docs/conformance.md': () => conformanceDocument(ROOT),
};

export function readDocument(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** Every document for people, relative to the repository, but those of the recipes. */
export function documents(): string[] {
  const namesIn = (folder: string) => readdirSync(join(ROOT, folder)).map((name) => join(folder, name));
  const all = ['.', 'docs', 'docs/recipes', 'bench'].flatMap(namesIn);
  return all.filter((name) => name.endsWith('.md'));
}

/** The names of the recipes, each a folder. */
export function recipes(): string[] {
  const entries = readdirSync(join(ROOT, 'docs/recipes'), { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

/** The texts of the fenced code blocks, in order. */
export function codeBlocks(markdown: string): string[] {
  return Array.from(markdown.matchAll(/^```\w+\n(.*?)^```$/gms), ([, text]) => text!);
}

/** What a link may name behind `#`, as GitHub makes it of each heading. */
export function anchors(markdown: string): Set<string> {
  const text = markdown.replace(/^```.*?^```$/gms, '');
  return new Set(
    Array.from(text.matchAll(/^#+ (.*)$/gm), ([, heading]) =>
      heading!
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, make] of Object.entries(DOCUMENTS)) writeFileSync(join(ROOT, path), make());
}
