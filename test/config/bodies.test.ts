/** What is told of routes that look into the body, at their place in the file. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadGateway } from '../../src/config/load/load-gateway.ts';
import { ConfigError } from '../../src/errors.ts';
import { ROOT } from '../support/process.ts';

const folder = mkdtempSync(join(tmpdir(), 'scopegate-bodies-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Told {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** `route`: one line, which is the 6th of the file. */
function told(route: string, gateway = '{}', decision = ''): Told {
  const path = join(folder, 'gateway.yaml');
  const lines = [
    `policy: ${join(ROOT, 'policies/coze.yaml')}`,
    'upstreams: { platform: { targets: ["http://127.0.0.1:9000"] } }',
    `gateway: ${gateway}`,
    decision,
    'routes:',
    `  - { id: a, match: { path: "/x/{ws}" }, upstream: platform, ${route} }`,
  ];
  writeFileSync(path, lines.join('\n'));
  const short = (line: string) => line.replaceAll(`${folder}/gateway.yaml:`, '');
  try {
    return { problems: [], warnings: loadGateway(path, {}).warnings.map(short) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { problems: error.message.split('\n').map(short), warnings: [] };
  }
}
const from = (place: string) => `require: { workspace: { from: ${place}, as: workspace } }`;

describe('places', () => {
  it.each(['body.ws', 'body.data.ws', '[query.ws, header.X-Workspace, body.ws, path.ws]'])('%s is one', (place) => {
    expect(told(from(place))).toEqual({ problems: [], warnings: [] });
  });

  it.each([
    ['body', /^6:\d+: .*must be path\.NAME, query\.NAME, header\.NAME or body\.NAME/],
    ['body.', /^6:\d+: .*body\.NAME/],
    ['body.a..b', /^6:\d+: .*body\.NAME/],
    ['"body.a[0]"', /^6:\d+: .*body\.NAME/],
    ['[]', /^6:\d+: /],
    ['[body.ws, body.ws]', /^6:\d+: /],
    ['[body.ws, cookie.ws]', /^6:\d+: .*body\.NAME/],
    ['[body.ws, path.other]', /^6:\d+: the path has no parameter \{other\}/],
  ])('%s is none, and that is told', (place, problem) => {
    const { problems } = told(from(place));
    expect(problems).toEqual([expect.stringMatching(problem) as string]);
  });
});

it('a decision listener gets no body, and check says so', () => {
  const warning = '6:5: warning: the route "a" looks into the body: the decision listener gets none, and answers 400';
  expect(told(from('body.ws'), '{}', 'decision: { for: envoy }').warnings).toEqual([warning]);
  expect(told(from('path.ws'), '{}', 'decision: { for: envoy }').warnings).toEqual([]);
});

it('a limit that no token could use whole is a mistake', () => {
  const limits = '{ limits: { inspectedBodyBytes: 2000, inspectedBodyTotalBytes: 8000 } }';
  expect(told(from('body.ws'), limits).problems).toEqual([
    '3:20: one token may have an eighth of inspectedBodyTotalBytes, 1000, and inspectedBodyBytes is 2000: no such body could be read',
  ]);
});

describe('what a route registers is what it has judged', () => {
  const workspace = 'workspace: { from: body.space_id, as: workspace }';
  const resource = 'resource: { type: bot, from: body.bot_id, relation: owner }';
  const register = (place: string) => `register: { type: bot, id: answer.data.bot_id, workspace: ${place} }`;
  const unregister = (type: string, place: string) => `unregister: { type: ${type}, id: ${place} }`;

  it.each([
    ['registered', `require: { ${workspace} }, ${register('body.space_id')}`],
    ['unregistered', `require: { ${workspace}, ${resource} }, ${unregister('bot', 'body.bot_id')}`],
  ])('%s', (_name, route) => {
    expect(told(route)).toEqual({ problems: [], warnings: [] });
  });

  it.each([
    [
      'a workspace that is not judged',
      `require: { ${workspace} }, ${register('body.other')}`,
      /^6:\d+: must be what require\.workspace\.from says, so that it is judged: body\.space_id$/,
    ],
    [
      'a list instead of one',
      `require: { ${workspace} }, ${register('[query.a, body.space_id]')}`,
      /^6:\d+: must be what/,
    ],
    ['without any', register('body.space_id'), /^6:\d+: must be what .*this route has none$/],
    [
      'a resource that is not judged',
      `require: { ${workspace}, ${resource} }, ${unregister('bot', 'body.id')}`,
      /^6:\d+: must be what require\.resource\.from says, so that it is judged: body\.bot_id$/,
    ],
    [
      'a resource without any',
      `require: { ${workspace} }, ${unregister('bot', 'body.bot_id')}`,
      /^6:\d+: must be what require\.resource\.from says.*this route has none$/,
    ],
    [
      'a resource of another type',
      `require: { ${workspace}, ${resource} }, ${unregister('plugin', 'body.bot_id')}`,
      /^6:\d+: must be what require\.resource\.type says, so that it is judged: bot$/,
    ],
    ['on a public route', `public: true, ${register('body.space_id')}`, /^6:\d+: a public route has no "register"/],
    [
      'on a public route, too',
      `public: true, ${unregister('bot', 'body.bot_id')}`,
      /^6:\d+: a public route has no "unregister"/,
    ],
    [
      'an answer that is asked for encoded',
      `require: { ${workspace} }, ${register('body.space_id')}, headers: { set: { Accept-Encoding: gzip } }`,
      /^6:\d+: register asks for a plain answer/,
    ],
    [
      'a place that is no answer',
      `require: { ${workspace} }, register: { type: bot, id: body.id, workspace: body.space_id }`,
      /^6:\d+: .*answer\.NAME/,
    ],
  ])('%s is told', (_name, route, problem) => {
    expect(told(route).problems).toEqual([expect.stringMatching(problem) as string]);
  });
});
