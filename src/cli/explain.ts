/**
 * `scopegate explain`: every check of one request, and the least that would let it through; of a decision that was made, what
 * was decided then, what would be now, and what has changed. Exit code 2: it is refused, or depends on what is not known.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { SetupError } from '../errors.ts';
import type { Invocation } from './command.ts';
import { type OrganizationValues, printJson, Session } from './session.ts';
import { bad, type Column, good, table, widthOf } from './terminal.ts';

interface ExplainValues extends OrganizationValues {
  readonly 'token-id': string | undefined;
  readonly address: string | undefined;
  readonly log: string | undefined;
  readonly json: boolean;
}

interface Source {
  readonly file?: string;
  readonly line?: number;
  readonly record?: string;
  readonly field?: string;
}

interface Check {
  readonly number: number;
  readonly name: string;
  readonly result: 'passed' | 'failed' | 'wouldPass' | 'wouldFail' | 'notAsked' | 'open';
  readonly values: Readonly<Record<string, string | number | null | readonly string[]>>;
  readonly sources: readonly Source[];
}

interface Explanation {
  readonly outcome: 'allowed' | 'refused' | 'depends';
  readonly reason: string | null;
  readonly status: number | null;
  readonly at: string;
  readonly request: { readonly method: string; readonly path: string };
  readonly token: {
    readonly id: string;
    readonly name: string;
    readonly kind: string;
    readonly ownerId: string | null;
  } | null;
  readonly checks: readonly Check[];
  readonly fix: ReadonlyArray<{ readonly change: string; readonly command: string }> | null;
  readonly otherTokens: ReadonlyArray<{ readonly id: string; readonly name: string; readonly kind: string }>;
  readonly decided?: Decision;
  readonly changes?: ReadonlyArray<{
    readonly what: string;
    readonly before: string | null;
    readonly after: string | null;
  }>;
}

interface Decision {
  readonly id: string;
  readonly at: string;
  readonly method: string;
  readonly host: string | null;
  readonly path: string;
  readonly token: string | null;
  readonly owner: string | null;
  readonly outcome: 'allowed' | 'refused';
  readonly reason: string | null;
  readonly detail: string | null;
  readonly status: number | null;
  readonly configuration: string;
  readonly address: string;
  readonly process: string | null;
}

const RESULTS: Readonly<Record<Check['result'], string>> = {
  passed: 'ok',
  failed: 'REFUSED',
  wouldPass: 'would pass',
  wouldFail: 'WOULD FAIL',
  notAsked: 'not asked',
  open: 'unknown',
};

export async function explainCommand({ values, args, env }: Invocation<ExplainValues>): Promise<void> {
  const [first, url] = args as [string, string | undefined];
  const session = await Session.open(values, env);
  const body =
    url === undefined ? await decisionBody(first, values.log) : await requestBody(first, url, values, session);
  const explained = (await session.client.send({
    method: 'POST',
    path: '/v1/explain',
    body,
  })) as unknown as Explanation;
  if (values.json) printJson(explained);
  else process.stdout.write(explanationText(explained, widthOf(process.stdout)));
  if (explained.outcome !== 'allowed') process.exitCode = 2;
}

async function requestBody(
  method: string,
  url: string,
  { 'token-id': tokenId, address, log }: ExplainValues,
  session: Session,
): Promise<object> {
  if (log !== undefined) throw new SetupError('--log is for the id of a decision: scopegate explain ID --log FILE');
  if (tokenId === undefined)
    throw new SetupError('with which token? --token-id ID (scopegate token find knows it by its text)');
  return {
    ...{ organization: await session.organization(), tokenId, method: method.toUpperCase(), url },
    ...(address === undefined ? {} : { address }),
  };
}

const DECISION_ID = /^[0-9A-HJKMNP-TV-Z]{26}$/;

/** `log`: the file with its line; undefined: some process remembers it. */
async function decisionBody(id: string, log: string | undefined): Promise<object> {
  if (!DECISION_ID.test(id))
    throw new SetupError(
      `${JSON.stringify(id)} is no id of a decision (26 digits and capitals, as X-Scopegate-Decision-Id says it); ` +
        'of a request that nobody sent: scopegate explain METHOD URL --token-id ID',
    );
  return log === undefined ? { id } : { decision: await lineOf(id, log) };
}

/** Other lines of the log are not looked into. */
async function lineOf(id: string, log: string): Promise<object> {
  const input = log === '-' ? process.stdin : createReadStream(log, 'utf8');
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (!line.includes(id)) continue;
      const said = decisionIn(line, id);
      if (said !== null) return said;
    }
  } catch (error) {
    throw new SetupError(`${log} cannot be read (${(error as NodeJS.ErrnoException).code})`, { cause: error });
  }
  throw new SetupError(
    `${log} has no decision line of ${id}; log.decisions of gateway.yaml says which decisions leave one`,
  );
}

function decisionIn(line: string, id: string): object | null {
  try {
    const said = JSON.parse(line.slice(line.indexOf('{'))) as Readonly<Record<string, unknown>>;
    return said.id === id && said.msg === 'decision' ? said : null;
  } catch {
    return null;
  }
}

function explanationText(explained: Explanation, width: number): string {
  const { outcome, request, token, checks, fix, otherTokens, decided } = explained;
  const of = token === null ? '' : `  token ${token.id} ${JSON.stringify(token.name)} (${ofText(token)})`;
  return [
    ...(decided === undefined ? [] : [thenText(decided, explained)]),
    `${decided === undefined ? '' : 'Now: '}${headText(explained)}  ${request.method} ${request.path}${of}\n`,
    table(COLUMNS, checks, width),
    ...otherTokens.map(
      (other) =>
        `Allowed as it is with token ${other.id} ${JSON.stringify(other.name)} (${ofText({ ...other, ownerId: token?.ownerId ?? null })}).\n`,
    ),
    ...(outcome === 'refused' && token !== null ? [fixText(fix)] : []),
  ].join('');
}

function ofText({ kind, ownerId }: Pick<NonNullable<Explanation['token']>, 'kind' | 'ownerId'>): string {
  return ownerId === null ? kind : `${kind}, ${ownerId}`;
}

function headText({ outcome, reason, status, checks }: Explanation): string {
  if (outcome === 'allowed') return good('ALLOWED');
  if (outcome === 'refused') return bad(`REFUSED ${status} ${reason}`);
  return checks.some(({ result }) => result === 'open') ? 'DEPENDS on its body' : 'DEPENDS on what is not kept of it';
}

function thenText(decided: Decision, { outcome, reason, changes = [] }: Explanation): string {
  const { token, owner, process: place } = decided;
  const verdict =
    decided.outcome === 'allowed'
      ? good(`ALLOWED ${decided.status}`)
      : bad(`REFUSED ${decided.status} ${decided.reason}`);
  const isSame = decided.outcome === outcome && decided.reason === reason;
  const lines = changes.map(({ what, before, after }) => `  ${what}: ${before ?? 'none'} → ${after ?? 'none'}\n`);
  return [
    `${verdict}  ${decided.at}  ${decided.method} ${decided.host ?? ''}${decided.path}  from ${decided.address}\n`,
    ...(decided.detail === null ? [] : [`  ${decided.detail}\n`]),
    `  token ${token ?? 'unknown'}${owner === null ? '' : ` of ${owner}`}  configuration ${decided.configuration}` +
      `${place === null ? '' : `  process ${place}`}\n`,
    lines.length === 0
      ? `Nothing has changed since${isSame ? '' : ', of what is asked here: limits and upstreams are not'}.\n`
      : `Changed since:\n${lines.join('')}`,
  ].join('');
}

const COLUMNS: ReadonlyArray<Column<Check>> = [
  { title: 'CHECK', text: ({ number, name }) => `${String(number).padStart(2)} ${name}` },
  {
    title: 'RESULT',
    text: ({ result }) => RESULTS[result],
    style: (text, { result }) => (result === 'failed' || result === 'wouldFail' ? bad(text) : text),
  },
  { title: 'VALUES', text: valuesText, whole: true },
  { title: 'FROM', text: ({ sources }) => sources.map(sourceText).join('; '), whole: true },
];

function valuesText({ values }: Check): string {
  const shown = Object.entries(values).filter(([, value]) => value !== null && value !== undefined);
  return shown.map(([name, value]) => `${name} ${Array.isArray(value) ? value.join(' ') || 'none' : value}`).join(', ');
}

function sourceText({ file, line, record = '', field }: Source): string {
  if (file !== undefined) return `${file}:${line}`;
  const [kind, , ...id] = record.split('/');
  return kind === 'token' ? `token.${field}` : `${kind} ${id.join('/')}.${field}`;
}

function fixText(fix: Explanation['fix']): string {
  if (fix === null) return 'No change of a token, a role or a resource would allow it.\n';
  const steps = fix.map(({ change, command }) => `  ${change}\n    ${command}\n`);
  return `To allow it${fix.length > 1 ? ', all of this, in this order' : ''}:\n${steps.join('')}`;
}
