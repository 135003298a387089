/** The catalogue of attacks and faults, read from the conformance tests themselves. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Attack } from '../conformance/attack.ts';
import { PARSER_TABLE } from './parser-table.ts';
import { dutiesSection } from './proxy-duties.ts';

const FOLDER = 'test/conformance';
/** In the order of the catalogue: folders and files with tests of that theme. */
const THEMES: readonly { readonly heading: string; readonly places: readonly string[] }[] = [
  { heading: 'Method, path and query', places: [`${FOLDER}/target`] },
  { heading: 'Credentials and headers', places: [`${FOLDER}/credentials-and-headers`] },
  { heading: 'What the body names', places: [`${FOLDER}/bodies`] },
  { heading: 'Framing', places: [`${FOLDER}/framing`, 'test/http/http1.test.ts'] },
  {
    heading: 'HTTP/2 and TLS',
    places: [`${FOLDER}/http2-and-tls`, 'test/http/h2.test.ts', 'test/http/tls.test.ts', 'test/http/cut.test.ts'],
  },
  { heading: 'Upgrades and streams', places: [`${FOLDER}/upgrade-and-streams`, 'test/streams'] },
  { heading: 'Upstream failure', places: [`${FOLDER}/upstream-failure`, 'test/upstream'] },
  { heading: 'Cache and store', places: [`${FOLDER}/cache-and-store`, 'test/store', 'test/contract', 'test/model'] },
  { heading: 'Process and configuration', places: [`${FOLDER}/process`, 'test/lifecycle', 'test/workers'] },
  { heading: 'Questions of other proxies', places: ['test/forward-auth'] },
];

interface CataloguedAttack extends Attack {
  readonly heading: string;
  /** Relative to the repository. */
  readonly file: string;
}

function attacks(root: string): CataloguedAttack[] {
  return THEMES.flatMap(({ heading, places }) =>
    places.flatMap((place) =>
      testFiles(root, place).flatMap((file) => {
        const found = attacksIn(readFileSync(join(root, file), 'utf8'), file);
        if (found.length === 0 && file.startsWith(FOLDER)) throw new Error(`${file}: names no attack`);
        return found.map((attack) => ({ ...attack, heading, file }));
      }),
    ),
  );
}

function testFiles(root: string, place: string): string[] {
  if (place.endsWith('.test.ts')) return [place];
  return readdirSync(join(root, place))
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
    .map((name) => `${place}/${name}`);
}

/** An object literal of plain strings is YAML's flow style. */
function attacksIn(text: string, file: string): Attack[] {
  const literals = Array.from(text.matchAll(/^\s*attack\((\{[^}]*\})\)\(/gm), (match) => match[1]!);
  if (literals.length !== Array.from(text.matchAll(/\battack\(/g)).length)
    throw new Error(`${file}: attack takes a plain object literal`);
  return literals.map((literal) => parse(literal.replaceAll("\\'", "''")) as Attack);
}

/** What the catalogues of others name beside these, and no test here is about alone. */
const ELSEWHERE = `## Held elsewhere

| attack or fault | what happens | where |
| --- | --- | --- |
| guessing a token by how long comparing takes | tokens are found by their SHA-256; keys and client secrets are compared by their digests, in constant time | [secret](../src/secret.ts) |
| two million junk tokens | memory grows by less than 50 MB and then stands still; measured, since a test that measures memory is none | [benchmarks](benchmarks.md) |
| interim answers of an upstream other than 103, on Node 22 | not passed on over HTTP/1.1: it has no public way to send them | |
| WebSocket over HTTP/2 (RFC 8441) | not offered: extended \`CONNECT\` is refused | [h2](../test/http/h2.test.ts) |
| an answer without length whose end is a reset, read on Node 22 | may look whole: libuv reports the end when both come at once; Node 24 tells them apart | |
| a request to upgrade that is treated as a plain one, before Node 22.21 | 400 and close where it has a body or stands behind another request: there its end cannot be known | [upgrade](../test/conformance/upgrade-and-streams/upgrade.test.ts) |
| a stream of HTTP/2 that crosses with the GOAWAY of a gateway that drains | not processed, which the GOAWAY says, so that its client may repeat it (RFC 9113 section 8.7); Node cannot say goodbye in two steps | [h2](../test/http/h2.test.ts) |
| an answer over HTTP/2 whose status is above 599, which is none | 502: Node's HTTP/2 has no words for it; over HTTP/1.1 it crosses | [same-answer](../test/conformance/http2-and-tls/same-answer.test.ts) |
| a certificate for each of several names (SNI) | not offered: one pair, which may hold many names | |
`;

const cell = (text: string) => text.replace(/\|/g, '\\|');

export function conformanceDocument(root: string): string {
  const all = attacks(root);
  const sections = THEMES.map(({ heading }) => {
    const rows = all
      .filter((attack) => attack.heading === heading)
      .map(({ name, outcome, sources, file }) => {
        const link = `[${file.split('/').at(-1)!.replace('.test.ts', '')}](../${file})`;
        return `| ${cell(name)} | ${cell(outcome)} | ${sources.map(cell).join(', ')} | ${link} |`;
      });
    return `## ${heading}\n\n| attack or fault | what happens | source | test |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
  });
  return `# Conformance

The attacks and faults that scopegate is tested against: ${all.length}, each by the tests that carry its name. Requests and
answers are raw bytes over TCP; behind the gateway stands an upstream that records every byte, so that "the upstream sees
nothing" is looked at and not assumed. A row without a source is one of our own. Made by \`npm run generate\` from the tests.

${sections.join('\n')}
${PARSER_TABLE}
${dutiesSection(root)}
${ELSEWHERE}`;
}
