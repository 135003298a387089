/**
 * `scopegate init`: lays a folder that runs, asking on a terminal for what is not given, or brings a gateway.yaml up to an
 * OpenAPI document. What is there is never overwritten.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { suggestion } from '../config/yaml/closest.ts';
import type { Env } from '../config/yaml/expand.ts';
import { formatProblem, SetupError } from '../errors.ts';
import { absoluteTexts, checkTexts } from '../init/check-texts.ts';
import { type Behind, mergeRoutes, whatIsBehind } from '../init/merge.ts';
import { documentOrigin, type NewFolder, newFolder } from '../init/new-folder.ts';
import { policyNames } from '../init/policies.ts';
import { alreadyThere, writeNewFiles } from '../init/write-files.ts';
import { gatewayTestsText } from '../init/written-tests.ts';
import { askedByRoute } from '../openapi/compare.ts';
import { type ApiDocument, readApiDocument } from '../openapi/document.ts';
import type { LeftOut } from '../openapi/routes.ts';
import type { Invocation } from './command.ts';
import { askOnTerminal, type TerminalQuestion } from './questions.ts';
import { note, printJson } from './session.ts';

interface InitValues {
  readonly yes: boolean;
  readonly upstream: string | undefined;
  readonly policy: string | undefined;
  readonly openapi: string | undefined;
  readonly merge: boolean;
  readonly check: boolean;
  readonly 'public-ok': boolean;
  readonly json: boolean;
}

const DEFAULT_UPSTREAM = 'http://127.0.0.1:3000';
const LEFT_OUT_SHOWN_MAX = 20;

export async function initCommand({ values, args, env }: Invocation<InitValues>): Promise<void> {
  const folder = args[0] ?? '.';
  if (values.merge || values.check) return bringUp(folder, values, env);
  if (existsSync(folder) && !statSync(folder).isDirectory()) throw new SetupError(`${folder} is a file; name a folder`);
  const there = alreadyThere(folder, new Map([['gateway.yaml', '']]));
  if (there.length > 0) throw new SetupError(occupied(folder, there));
  const { upstream, policy, openapi } = await choices(values);
  const api = openapi === '' ? null : readApiDocument(openapi, readFileSync);
  const made = newFolder({
    ...{ policy: knownPolicy(policy), api, publicOk: values['public-ok'] },
    upstream: origin(upstream ?? (api === null ? null : documentOrigin(api)) ?? DEFAULT_UPSTREAM),
  });
  const files = lay(folder, made, env);
  if (values.json)
    printJson({
      folder,
      files,
      leftOut: made.leftOut.map(leftOutData),
      next: steps(folder, made),
    });
  else tell(folder, made, files);
}

/** What is not given is asked for. */
async function choices(values: InitValues) {
  const { upstream, policy, openapi } = values;
  if (values.yes) return { upstream, policy: policy ?? 'default', openapi: openapi ?? '' };
  const names = policyNames();
  const questions: TerminalQuestion[] = [];
  if (openapi === undefined)
    questions.push({
      name: 'openapi',
      text: 'An OpenAPI document of your API, to make the routes of? A file, or nothing',
      usual: '',
    });
  if (upstream === undefined) questions.push({ name: 'upstream', text: 'Where is your API?', usual: DEFAULT_UPSTREAM });
  if (policy === undefined)
    questions.push({ name: 'policy', text: `Which policy to begin with: ${names.join(', ')}?`, usual: 'default' });
  if (questions.length > 0 && !(process.stdin.isTTY && process.stderr.isTTY))
    throw new SetupError(
      'there is no terminal to ask on: add --yes, and where the usual answer does not do, --upstream URL, --policy NAME or --openapi FILE',
    );
  const answers = await askOnTerminal(questions, (name, answer) => {
    if (name === 'openapi' && answer !== '') readApiDocument(answer, readFileSync);
    if (name === 'upstream') origin(answer);
    if (name === 'policy') knownPolicy(answer);
  });
  return {
    upstream: upstream ?? answers.upstream,
    policy: policy ?? answers.policy!,
    openapi: openapi ?? answers.openapi!,
  };
}

function knownPolicy(name: string): string {
  const names = policyNames();
  if (names.includes(name)) return name;
  throw new SetupError(`there is no policy "${name}"${suggestion(name, names)}; there are ${names.join(', ')}`);
}

function origin(text: string): string {
  if (/^https?:\/\/[^/?#@\s"\\$]+\/?$/.test(text) && URL.canParse(text)) return text.replace(/\/$/, '');
  throw new SetupError(`"${text}" is no origin such as ${DEFAULT_UPSTREAM}: scheme, host and port, without a path`);
}

/** All of it, or nothing, with tests of the routes that it has. The names of what it wrote. */
function lay(folder: string, made: NewFolder, env: Env): string[] {
  const found = checkTexts(resolve(folder, 'gateway.yaml'), absoluteTexts(folder, made.files), withoutOurs(env));
  const files = new Map([['gateway.test.yaml', gatewayTestsText(found)], ...made.files]);
  const there = alreadyThere(folder, files);
  if (there.length > 0) throw new SetupError(occupied(folder, there));
  writeNewFiles(folder, files);
  return [...files.keys()];
}

/** What the texts say by themselves is judged, not what somebody's shell makes of them. */
function withoutOurs(env: Env): Env {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('SCOPEGATE_')));
}

function occupied(folder: string, there: readonly string[]): string {
  const names = there.map((name) => join(folder, name)).join(', ');
  return (
    `nothing was written: ${names} ${there.length === 1 ? 'is' : 'are'} there already. Name another folder (scopegate init DIR), ` +
    'or move it away; routes of an OpenAPI document are added to a gateway.yaml by --openapi FILE --merge'
  );
}

function steps(folder: string, { tokenCommand, examplePath }: NewFolder): string[] {
  const into = relative('', folder);
  return [
    `${into === '' ? '' : `cd ${shellWord(into)} && `}scopegate serve`,
    `${into === '' ? '' : `cd ${shellWord(into)} && `}scopegate apply directory.yaml && TOKEN=$(${tokenCommand})`,
    ...(examplePath === null
      ? []
      : [`curl -i 'http://127.0.0.1:8080${examplePath}' -H "Authorization: Bearer $TOKEN"`]),
  ];
}

const shellWord = (text: string) => (/^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

function tell(folder: string, made: NewFolder, files: readonly string[]): void {
  for (const name of files) process.stdout.write(`+ ${join(folder, name)}\n`);
  const [serve, token, curl] = steps(folder, made) as [string, string, string?];
  process.stdout.write(`
Start it:                 ${serve}
In another terminal:      ${token}
${curl === undefined ? '' : `And a request with it:    ${curl}\n`}`);
  tellLeftOut(made.leftOut);
  if (made.rolesWithoutScopes.length > 0)
    note(`roles that have no scopes yet: ${made.rolesWithoutScopes.join(', ')}; give them theirs in policies/`);
}

function tellLeftOut(leftOut: readonly LeftOut[]): void {
  if (leftOut.length === 0) return;
  note(
    leftOut.length === 1
      ? 'one operation has no route and is refused:'
      : `${leftOut.length} operations have no route and are refused:`,
  );
  for (const { method, path, at, why } of leftOut.slice(0, LEFT_OUT_SHOWN_MAX))
    note(`  ${formatProblem({ ...at, message: `${method} ${path}: ${why}` })}`);
  if (leftOut.length > LEFT_OUT_SHOWN_MAX) note(`  and ${leftOut.length - LEFT_OUT_SHOWN_MAX} more (--json lists all)`);
}

function leftOutData({ method, path, at, why }: LeftOut) {
  return { method, path, ...at, why };
}

/** `--check` says what gateway.yaml lacks, `--merge` adds it. */
function bringUp(place: string, values: InitValues, env: Env): void {
  if (values.openapi === undefined) throw new SetupError('--merge and --check need --openapi FILE');
  if (values.merge && values.check)
    throw new SetupError('either --merge, which adds routes, or --check, which does not');
  const path = existsSync(place) && statSync(place).isFile() ? place : join(place, 'gateway.yaml');
  const api: ApiDocument = readApiDocument(values.openapi, readFileSync);
  const asked = { path, api, publicOk: values['public-ok'], upstream: values.upstream, env };
  const behind = values.check ? { ...whatIsBehind(asked), files: [] } : mergeRoutes(asked);
  if (values.json) printJson(behindData(behind));
  else tellBehind(path, behind, values.check);
  if (values.check && behind.missing.length + behind.different.length > 0) process.exitCode = 2;
}

type Brought = Behind & { readonly files: readonly string[] };

function behindData({ missing, different, leftOut, files }: Brought) {
  return {
    missing: missing.map(({ id, method, path, operation }) => ({ id, method, path, ...operation.at })),
    different: different.map(({ by, asks, document, at }) => ({ route: by, asks, document, ...at })),
    leftOut: leftOut.map(leftOutData),
    files,
  };
}

function tellBehind(path: string, { missing, different, leftOut, files }: Brought, isCheck: boolean): void {
  for (const { id, method, path: template, operation, ...route } of missing) {
    const message = `${method} ${template} (${id}), for ${askedByRoute({ id, method, path: template, operation, ...route })}`;
    process.stdout.write(
      `${isCheck ? formatProblem({ ...operation.at, message: `no route takes ${message}` }) : `+ ${message}`}\n`,
    );
  }
  for (const { by, asks, document, at } of different) {
    const message = `the route "${by}" asks for ${asks}, the document for ${document}`;
    if (isCheck) process.stdout.write(`${formatProblem({ ...at, message })}\n`);
    else note(`left as it is: ${formatProblem({ ...at, message })}`);
  }
  if (missing.length + different.length === 0) process.stdout.write(`${path}: has a route for every operation\n`);
  else if (files.length > 0) note(`changed: ${files.join(', ')}`);
  tellLeftOut(leftOut);
}
