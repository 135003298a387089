/**
 * Names as other programs read them: each real server behind the gateway, asked with names that some parser takes for
 * another. Whatever is let through, the application finds what was judged.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { type Found, isInstalled, OTHER_PARSERS, type OtherServer } from '../../support/other-servers.ts';
import { ask, rawRequest } from '../../support/raw.ts';
import { attack } from '../attack.ts';

const FOLDERS = ['query', 'header', 'public'];
const by = (from: string) => ({ scopes: ['workflows:read'], workspace: { from, as: 'workspace' } });
const ROUTES = [
  { id: 'query', match: { path: '/query/{file}' }, require: by('query.workspace_id') },
  { id: 'header', match: { path: '/header/{file}' }, require: by('header.X-Workspace-Id') },
  { id: 'public', match: { path: '/public/{file}' }, public: true },
];
/** Every character but letters and digits that a header name may hold (RFC 9110 section 5.6.2). */
const MARKS = [..."!#$%&'*+-.^_`|~"];
const escaped = (code: number) => `%${code.toString(16).padStart(2, '0')}`;
/** Of the bytes that no parser takes for anything but a part of the name, two of each kind. */
const BYTES = Array.from({ length: 128 }, (_, code) => code)
  .filter((code) => !/[A-Za-z0-9]/.test(String.fromCharCode(code)))
  .concat(...['a', 'Z', '0'].map((char) => char.charCodeAt(0)), 0x80, 0xa0, 0xff);
const SECOND_SPELLINGS = [
  ...BYTES.flatMap((code) => [
    `workspace${escaped(code)}id`,
    `${escaped(code)}workspace_id`,
    `workspace_id${escaped(code)}`,
    `workspace_id${escaped(code)}x`,
    `workspace${escaped(code)}id%zz`,
    `workspace_id%00${escaped(code)}`,
    `workspace_id[${escaped(code)}`,
  ]),
  ...['.', '+', '[', ']', '[]', '[[', '._', '+_'].map((mark) => `workspace${mark}id`),
  ...['workspace[id]', 'workspace.id[]', '[workspace_id]', '[workspace]id', ']workspace_id', '++workspace_id'],
  ...['workspace_id[][]', 'workspace_id[a][b]', 'workspace_id[%ff]', 'workspace%5Fid[%ff]', 'workspace_id%00[%ff'],
  ...['%77orkspace%5fid', 'WORKSPACE_ID', 'a;workspace_id', 'a=1;workspace.id', '%u0077orkspace_id', 'workspace_id%'],
];

for (const parser of OTHER_PARSERS)
  describe.skipIf(!isInstalled(parser))(parser.name, () => {
    let server: OtherServer;
    let gateway: TestGateway;
    beforeAll(async () => {
      server = await parser.start(FOLDERS);
      gateway = await startTestGateway({ upstreamUrl: server.url, routes: ROUTES });
    });
    afterAll(async () => {
      await gateway.stop();
      await server[Symbol.asyncDispose]();
    });

    /** What the application found, or the status of the refusal. */
    const found = async (folder: string, query: string, lines: readonly string[]): Promise<Found | number> => {
      const bearer = folder === 'public' ? [] : [`Authorization: Bearer ${gateway.tokens.reader}`];
      const target = `GET /${folder}/${parser.file}${query}`;
      const { status, body } = await ask(gateway.url, rawRequest(target, [...bearer, ...lines, 'Connection: close']));
      return status === 200 ? (JSON.parse(body) as Found) : status;
    };

    attack({
      name: 'a query name that PHP, CGI, WSGI or Express reads as the one that was judged carries no other value',
      outcome: '400, or the application finds the value that was judged; each of them run for real',
      sources: ['CVE-2025-64484'],
    })(() => {
      test('before and behind the right one', async () => {
        expect(await found('query', '?workspace_id=ws_sales', [])).toMatchObject({ query: 'ws_sales' });
        const wrong: unknown[] = [];
        for (const spelling of SECOND_SPELLINGS)
          for (const query of [
            `?workspace_id=ws_sales&${spelling}=ws_legal`,
            `?${spelling}=ws_legal&workspace_id=ws_sales`,
          ]) {
            const result = await found('query', query, []);
            const right = typeof result === 'number' ? result === 400 : result.query === 'ws_sales';
            if (!right) wrong.push([query, result]);
          }
        expect(wrong).toEqual([]);
      }, 60_000);
    });

    attack({
      name: 'a header name that a CGI reads as another forges no identity, address or workspace',
      outcome: 'dropped on every route, or 400 where it is the selector; each of them run for real',
      sources: ['CVE-2025-64484', 'GHSA-7r4p-vjf4-gxv4'],
    })(() => {
      test.each(MARKS)('with %s between the words', async (mark) => {
        const forged = [
          `X${mark}Scopegate${mark}Subject: root`,
          `x-scopegate${mark}subject: root`,
          `X${mark}Real${mark}IP: 6.6.6.6`,
          `X${mark}Client-IP: 6.6.6.6`,
        ];
        const judged = { subject: 'bob', address: null };
        expect(await found('query', '?workspace_id=ws_sales', forged)).toMatchObject(judged);
        expect(await found('public', '', forged)).toMatchObject({ subject: null, address: null });
        const workspace = `X${mark}Workspace${mark}Id: ws_legal`;
        for (const lines of [
          ['X-Workspace-Id: ws_sales', workspace],
          [workspace, 'X-Workspace-Id: ws_sales'],
        ])
          expect(await found('header', '', lines), mark).toBe(400);
        expect(await found('header', '', ['X-Workspace-Id: ws_sales'])).toMatchObject({ header: 'ws_sales' });
      });
    });
  });
