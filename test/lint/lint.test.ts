/** What lint finds, what it does not, how a finding is silenced, and how it is told. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LINT_RULES, type LintCode } from '../../src/lint/codes.ts';
import { lintGateway } from '../../src/lint/lint.ts';
import { run } from '../directory/harness.ts';
import { recipes } from '../support/documents.ts';
import { ROOT } from '../support/process.ts';
import { LINT_EXAMPLES, type LintExample, layExample } from './examples.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'scopegate-lint-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const codesOf = (path: string) =>
  lintGateway(path, {}, existsSync(join(folder, 'api.yaml')) ? join(folder, 'api.yaml') : undefined).findings.map(
    ({ code }) => code,
  );
const found = (example: LintExample) => codesOf(layExample(folder, example));
const ROUTE = `- id: add
  match: { methods: [POST], path: /orders }
  require: { scopes: ["orders:read"] }
  upstream: api
`;
const silenced = (comment: string) => ROUTE.replace('] }', `] } # ${comment}`).replace('[POST] }', '[POST]');

describe('every finding has an example that is found, and one that is not', () => {
  it.each(Object.keys(LINT_RULES) as LintCode[])('%s', (code) => {
    expect(found(LINT_EXAMPLES[code].found)).toContain(code);
    expect(found(LINT_EXAMPLES[code].clean)).not.toContain(code);
  });

  it('and no warning of another kind', () => {
    for (const [code, { clean }] of Object.entries(LINT_EXAMPLES)) {
      for (const name of ['api.yaml', 'gateway.test.yaml']) rmSync(join(folder, name), { force: true });
      expect(
        found(clean).filter((each) => LINT_RULES[each].severity !== 'note'),
        code,
      ).toEqual([]);
    }
  });
});

describe('a route that the tests leave out', () => {
  const example = LINT_EXAMPLES.SG114.found;
  const tests = example['gateway.test.yaml']!;

  it('is named with what is lacking, where it stands', () => {
    const path = layExample(folder, { ...example, 'gateway.test.yaml': tests.replace(/ *refusedTo.*\n/, '') });
    expect(
      lintGateway(path, {})
        .findings.filter(({ code }) => code === 'SG114')
        .map(({ route, message, at }) => [route, message, at.line]),
    ).toEqual([
      ['list-orders', 'the policy tests have no request to the route "list-orders" that is refused', 4],
      [
        'add-order',
        'the policy tests have no request to the route "add-order" that is let through, and none that is refused',
        8,
      ],
    ]);
  });

  it.each([
    ['of another gateway', tests.replace('gateway: gateway.yaml', 'gateway: other.yaml')],
    ['that cannot be read', `${tests}more: [`],
  ])('is none where there are tests %s alone', (_, text) => {
    expect(found({ ...example, 'gateway.test.yaml': text })).not.toContain('SG114');
  });
});

describe('what comes with scopegate', () => {
  it.each(['gateway.yaml', 'demo/gateway.yaml'])('%s is found clean', (name) => {
    expect(warnings(join(ROOT, name))).toEqual([]);
  });

  it.each(recipes())('the recipe %s is found clean, or says why', (name) => {
    const text = readFileSync(join(ROOT, 'docs/recipes', name, 'gateway.yaml'), 'utf8');
    writeFileSync(join(folder, 'gateway.yaml'), text);
    const policy = /# policies\/(\w+)\.yaml/.exec(text)?.[1] ?? 'default';
    writeFileSync(join(folder, 'policy.yaml'), readFileSync(join(ROOT, `policies/${policy}.yaml`)));
    const routes = join(ROOT, `policies/${policy}.routes.yaml`);
    if (existsSync(routes)) writeFileSync(join(folder, basename(routes)), readFileSync(routes));
    const secrets = { PROVIDER_KEY: 'key', FEATBIT_TOKEN: 'token', IMPACT_CREDENTIALS: 'credentials' };
    expect(warnings(join(folder, 'gateway.yaml'), secrets)).toEqual([]);
  });

  it.each(['coze', 'default', 'featbit', 'impact', 'scrydon'])(
    'each scope of the policy %s opens a route for somebody',
    (name) => {
      const policy = join(ROOT, `policies/${name}.yaml`);
      const scopes = Array.from(
        readFileSync(policy, 'utf8').matchAll(/^ {2}- \{ name: "([^"]+)"/gm),
        ([, scope]) => scope!,
      );
      expect(scopes.length).toBeGreaterThan(3);
      const routes = scopes.map(
        (scope, index) =>
          `  - { id: r${index}, match: { methods: [GET], path: /r${index} }, require: { scopes: ["${scope}"] }, upstream: a }`,
      );
      const path = join(folder, 'gateway.yaml');
      writeFileSync(
        path,
        `policy: ${policy}\nupstreams: { a: { targets: ["http://127.0.0.1:9"] } }\nroutes:\n${routes.join('\n')}\n`,
      );
      expect(lintGateway(path, {}).findings).toEqual([]);
    },
  );

  const warnings = (path: string, env = {}) =>
    lintGateway(path, env)
      .findings.filter(({ severity }) => severity !== 'note')
      .map(({ code, at, message }) => `${at.line} ${code} ${message}`);
});

describe('a finding is silenced', () => {
  it('on its line, with a reason, which is told', () => {
    const path = layExample(folder, { routes: silenced('scopegate-ignore SG104: reads by POST') });
    const { findings, silenced: told } = lintGateway(path, {});
    expect(findings.filter(({ code }) => code !== 'SG107')).toEqual([]);
    expect(told).toMatchObject([{ code: 'SG104', reason: 'reads by POST' }]);
  });

  it.each([
    ['without a reason', 'scopegate-ignore SG104'],
    ['of another code', 'scopegate-ignore SG105: any token'],
    ['of a code that there is not', 'scopegate-ignore SG999: who knows'],
    ['without a code', 'scopegate-ignore'],
  ])('not %s, which is a finding itself', (_what, comment) => {
    expect(found({ routes: silenced(comment) })).toEqual(expect.arrayContaining(['SG104', 'SG100']));
  });

  it('in all of the item below the comment, and not in the next one', () => {
    const second = ROUTE.replace('id: add', 'id: more').replace('/orders', '/more');
    const codes = found({ routes: `# scopegate-ignore SG104: reads by POST\n${ROUTE}${second}` });
    expect(codes.filter((code) => code === 'SG104')).toHaveLength(1);
    expect(codes).not.toContain('SG100');
  });

  it('in all of a section, whose list stands as far left as its key', () => {
    const path = layExample(folder, { routes: '' });
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace('routes:\n', `# scopegate-ignore SG104: reads by POST\nroutes:\n${ROUTE}`));
    expect(codesOf(path)).toEqual(['SG107']);
  });

  it('in the file where it stands alone', () => {
    const path = layExample(folder, { routes: `# scopegate-ignore SG104: reads by POST\n${ROUTE}` });
    mkdirSync(join(folder, 'routes'));
    writeFileSync(
      join(folder, 'routes/more.yaml'),
      `routes:\n${ROUTE.replaceAll('add', 'more')
        .replace('/orders', '/more')
        .replace(/^(?=.)/gm, '  ')}`,
    );
    writeFileSync(path, `include: [routes/*.yaml]\n${readFileSync(path, 'utf8')}`);
    const { findings } = lintGateway(path, {});
    expect(findings.filter(({ code }) => code === 'SG104').map(({ at }) => at)).toEqual([
      { file: join(folder, 'routes/more.yaml'), line: 4, column: 24 },
    ]);
  });
});

describe('scopegate lint', () => {
  const run_ = (...words: string[]) => run(['lint', layExample(folder, { routes: ROUTE }), ...words], {});

  it('tells the place, the code, and once why it is one and how to mend it, and says no by exit code 2', async () => {
    const { code, stdout, stderr } = await run_();
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
    expect(stdout).toContain(
      `gateway.yaml:6:24: warning SG104: the route "add" takes POST from tokens with orders:read\n    why: ${LINT_RULES.SG104.why}\n    fix: ${LINT_RULES.SG104.fix}\n`,
    );
    expect(stdout).toMatch(/\n1 warning, 1 note\n$/);
  });

  it('says it with exit code 0 where that is asked for, and where there are notes alone', async () => {
    expect((await run_('--exit-zero')).code).toBe(0);
    const path = layExample(folder, LINT_EXAMPLES.SG107.found);
    expect((await run(['lint', path], {})).code).toBe(0);
  });

  it('is one JSON document with --json', async () => {
    const { stdout } = await run_('--json');
    expect(JSON.parse(stdout)).toEqual({
      findings: [
        expect.objectContaining({ code: 'SG104', severity: 'warning', line: 6, column: 24 }),
        expect.objectContaining({ code: 'SG107' }),
      ],
      silenced: [],
    });
  });

  it('is SARIF 2.1.0 whose results name the rules', async () => {
    const { stdout } = await run_('--format', 'sarif');
    const { version, runs } = JSON.parse(stdout) as {
      version: string;
      runs: Array<{
        tool: { driver: { rules: Array<{ id: string }> } };
        results: Array<{ ruleId: string; ruleIndex: number; locations: unknown }>;
      }>;
    };
    expect(version).toBe('2.1.0');
    const [{ tool, results }] = runs as [(typeof runs)[number]];
    expect(results.map(({ ruleId }) => ruleId)).toEqual(['SG104', 'SG107']);
    for (const { ruleId, ruleIndex } of results) expect(tool.driver.rules[ruleIndex]!.id).toBe(ruleId);
    expect(results[0]!.locations).toMatchObject([{ physicalLocation: { region: { startLine: 6, startColumn: 24 } } }]);
  });

  it('is an annotation of each line for GitHub', async () => {
    const { stdout } = await run_('--format', 'github');
    expect(stdout).toMatch(/^::warning file=.*gateway\.yaml,line=6,col=24,title=SG104::the route "add" takes POST/);
  });

  it('says what is wrong with a configuration that check refuses, and nothing else', async () => {
    const path = layExample(folder, { routes: ROUTE.replace('upstream: api', 'upstream: nowhere') });
    expect(await run(['lint', path], {})).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('there is no upstream "nowhere"'),
    });
  });
});
