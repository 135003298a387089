/** Planned policy tests as the text of a file. Decides nothing about them. */
import type { Found } from '../config/load/check-gateway.ts';
import type { Policy } from '../core/policy.ts';
import {
  IDS,
  type PlannedDenials,
  type PlannedRequest,
  type PlannedTest,
  type PlannedToken,
  planTests,
  resourceId,
  type TestPlan,
} from './route-tests.ts';
import { flow } from './written-yaml.ts';

const WIDTH = 120;

/** For a file that stands beside gateway.yaml. */
export function gatewayTestsText({ plain, policy, compiled }: Found): string {
  const plan = planTests(plain.file.routes, {
    scopes: new Set(policy.scopes.keys()),
    match: (host, method, segments) => compiled.routes.match(host, method, segments),
  });
  return `# yaml-language-server: $schema=./schemas/test.schema.json
#
# What gateway.yaml lets through, and what it refuses: scopegate test says whether it does, scopegate test --mutate which
# slips nobody would notice.
gateway: gateway.yaml
now: 2030-01-01T12:00:00Z # the moment at which everything stands

${directoryText(plan, policy)}
${plan.tokens.size === 0 ? '' : `tokens:\n${[...plan.tokens].map(([name, token]) => tokenText(name, token, policy)).join('')}\n`}tests:
${plan.tests.map(testText).join('\n')}${plan.denials.map(denialsText).join('')}
require: ${flow(plan.isComplete ? { routes: 100, mutants: 100 } : { routes: 100 })}
`;
}

function directoryText({ types, hasEnvironments, tokens }: TestPlan, policy: Policy): string {
  const [highest] = policy.organizationRoles.keys();
  const lowest = [...policy.organizationRoles.keys()].at(-1)!;
  const owners = new Set([...tokens.values()].map(({ owner }) => owner));
  const kind = policy.kinds.get(policy.defaultKind)!;
  const scopesOf = (id: string) => [...tokens.values()].find(({ owner }) => owner === id)?.scopes ?? [];
  const member = (id: string, name: string) =>
    `        ${id}:\n          name: ${name}\n          role: ${flow(lowest)}\n          scopes:${listText(scopesOf(id), 12)}\n          actions: ${flow([kind.manageAction])}\n`;
  const bob = types.size > 0 || owners.has('bob');
  const resources = [...types].map(
    (type) => `            ${flow(type)}: { ${flow(resourceId(type))}: { owner: ann, collaborators: [bob] } }\n`,
  );
  const assigned = [...(bob ? ['bob: member'] : []), ...(owners.has('eve') ? ['eve: member'] : [])].join(', ');
  return `directory:
  organizations:
    acme:
      name: Acme
      edition: team
      members:
        ann: { name: Ann, role: ${flow(highest)} }
${bob ? member('bob', 'Bob') : ''}${owners.has('eve') ? member('eve', 'Eve') : ''}      workspaces:
        main:
          name: Main
          owner: ann
${hasEnvironments ? `          environments: { ${IDS.environment}: { name: Live }, ${IDS.otherEnvironment}: { name: Test } }\n` : ''}${assigned === '' ? '' : `          assignments: { members: { ${assigned} } }\n`}${resources.length === 0 ? '' : `          resources:\n${resources.join('')}`}        other: { name: Other, owner: ann }
`;
}

function tokenText(name: string, token: PlannedToken, policy: Policy): string {
  const kind = policy.kinds.get(policy.defaultKind)!;
  if (name === 'everything') {
    const contact = kind.contactRequired ? '    contacts: { primary: ann }\n' : '';
    return `  everything:\n    owner: ann\n    scopes:${listText(token.scopes, 6)}\n    workspaces: [main]\n    expiresInDays: 30\n${contact}`;
  }
  const own = {
    like: 'everything',
    ...(token.owner !== 'ann' && { owner: token.owner }),
    ...(token.workspace !== 'main' && { workspaces: [token.workspace] }),
    ...(token.isLimited === true && { environments: [IDS.otherEnvironment] }),
  };
  const isLike = token.owner === 'ann' && Object.keys(own).length > 1;
  const line = `  ${plain(name)}: ${flow(isLike ? own : { ...own, scopes: token.scopes })}\n`;
  return line.length <= WIDTH
    ? line
    : `  ${plain(name)}:\n    like: everything\n${token.owner === 'ann' ? '' : `    owner: ${token.owner}\n`}    scopes:${listText(token.scopes, 6)}\n`;
}

function testText({ name, token, allow, refusedTo, refusedAs }: PlannedTest): string {
  const lines = [`  - name: ${plain(name)}`, ...(token === 'none' ? [] : [`    token: ${flow(token)}`]), '    allow:'];
  lines.push(...allow.map((request) => `      - ${requestText(request)}`));
  if (Object.keys(refusedTo).length > 0) lines.push(`    refusedTo: ${flow(refusedTo)}`);
  if (Object.keys(refusedAs).length > 0) lines.push(`    refusedAs: ${flow(refusedAs)}`);
  return `${lines.join('\n')}\n`;
}

function requestText(request: PlannedRequest): string {
  return Object.keys(request).length === 1 ? lineText(request.request) : flow(request);
}

/** A request line reads as text where YAML has no other reading of it. */
function lineText(line: string): string {
  return /^[A-Z]+ [A-Za-z0-9/._?=&~+-]+$/.test(line) ? line : flow(line);
}

function denialsText({ name, token, deny }: PlannedDenials): string {
  const parts = [...deny].map(
    ([reason, lines]) => `      ${reason}:\n${[...lines].map((line) => `        - ${lineText(line)}\n`).join('')}`,
  );
  const by = token === 'none' ? '' : `    token: ${flow(token)}\n`;
  return `\n  - name: ${plain(name)}\n${by}    deny:\n${parts.join('')}`;
}

/** A few words, which YAML reads as they stand. */
function plain(text: string): string {
  return /^[a-z][\w ,.'()-]*$/i.test(text) ? text : flow(text);
}

/** A list of words, broken where a line is full. */
function listText(words: readonly string[], indent: number): string {
  const line = ` ${flow(words)}`;
  if (line.length + indent + 8 <= WIDTH) return line;
  const lines = [''];
  for (const word of words.map(flow)) {
    const last = lines.at(-1)!;
    if (last !== '' && last.length + word.length + 2 + indent > WIDTH) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last}, ${word}`;
  }
  const pad = ' '.repeat(indent);
  return `\n${pad}[\n${lines.map((each) => `${pad}  ${each}`).join(',\n')}\n${pad}]`;
}
