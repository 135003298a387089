/** The catalogue of attacks and faults, read from the conformance tests themselves: in full, and short for the README. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Attack } from '../conformance/attack.ts';

const FOLDER = 'test/conformance';
/** Folder → heading, in the order of the catalogue. */
const THEMES: Readonly<Record<string, string>> = {
  target: 'Method, path and query',
  'credentials-and-headers': 'Credentials and headers',
  framing: 'Framing',
  'upgrade-and-streams': 'Upgrades and streams',
  'upstream-failure': 'Upstream failure',
  'cache-and-store': 'Cache and store',
  process: 'Process and configuration',
};
const MARKER = { start: '<!-- conformance: made by npm run generate -->', end: '<!-- /conformance -->' };

export interface CataloguedAttack extends Attack {
  readonly theme: string;
  /** Relative to the repository. */
  readonly file: string;
}

export function attacks(root: string): CataloguedAttack[] {
  const themes = Object.keys(THEMES).filter((theme) => existsSync(join(root, FOLDER, theme)));
  return themes.flatMap((theme) =>
    readdirSync(join(root, FOLDER, theme))
      .filter((name) => name.endsWith('.test.ts'))
      .sort()
      .flatMap((name) => {
        const file = `${FOLDER}/${theme}/${name}`;
        return attacksIn(readFileSync(join(root, file), 'utf8'), file).map((found) => ({ ...found, theme, file }));
      }),
  );
}

/** An object literal of plain strings is YAML's flow style. */
function attacksIn(text: string, file: string): Attack[] {
  const literals = Array.from(text.matchAll(/^\s*attack\((\{[^}]*\})\)\(/gm), (match) => match[1]!);
  if (literals.length !== text.match(/\battack\(/g)?.length)
    throw new Error(`${file}: every attack takes a plain object literal, and every file holds one`);
  return literals.map((literal) => parse(literal.replaceAll("\\'", "''")) as Attack);
}

const cell = (text: string) => text.replace(/\|/g, '\\|');

export function conformanceDocument(root: string): string {
  const all = attacks(root);
  const sections = Object.entries(THEMES).map(([theme, heading]) => {
    const rows = all
      .filter((attack) => attack.theme === theme)
      .map(({ name, outcome, sources, file }) => {
        const link = `[${file.slice(`${FOLDER}/${theme}/`.length, -'.test.ts'.length)}](../${file})`;
        return `| ${cell(name)} | ${cell(outcome)} | ${sources.map(cell).join(', ')} | ${link} |`;
      });
    return `## ${heading}\n\n| attack or fault | what happens | source | test |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
  });
  return `# Conformance

The attacks and faults that scopegate is tested against: ${all.length}, each by the tests that carry its name. Requests and
answers are raw bytes over TCP; behind the gateway stands an upstream that records every byte, so that "the upstream sees
nothing" is looked at and not assumed. A row without a source is one of our own. Made by \`npm run generate\` from the tests.

${sections.join('\n')}`;
}

/** The README as it stands, with a new table between the markers. */
export function readmeDocument(root: string): string {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const [start, end] = [readme.indexOf(MARKER.start), readme.indexOf(MARKER.end)];
  if (start === -1 || end < start) throw new Error(`README.md: no ${MARKER.start} … ${MARKER.end}`);
  const all = attacks(root);
  const rows = all.map(({ name, outcome }) => `| ${cell(name)} | ${cell(outcome)} |`);
  const table = `<details>
<summary>The ${all.length} attacks and faults that the tests hold off</summary>

| attack or fault | what happens |
| --- | --- |
${rows.join('\n')}

</details>
`;
  return `${readme.slice(0, start + MARKER.start.length)}\n${table}${readme.slice(end)}`;
}
