/** `scopegate explain`: every check of one request, and the least that would let it through. Exit code 2: it is refused, or depends on its body. */
import { SetupError } from '../errors.ts';
import type { Invocation } from './command.ts';
import { type OrganizationValues, printJson, Session } from './session.ts';
import { bad, type Column, good, table, widthOf } from './terminal.ts';

interface ExplainValues extends OrganizationValues {
  readonly 'token-id': string | undefined;
  readonly address: string | undefined;
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
  };
  readonly checks: readonly Check[];
  readonly fix: ReadonlyArray<{ readonly change: string; readonly command: string }> | null;
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
  const { 'token-id': tokenId, address } = values;
  if (tokenId === undefined)
    throw new SetupError('with which token? --token-id ID (scopegate token find knows it by its text)');
  const [method, url] = args as [string, string];
  const session = await Session.open(values, env);
  const body = {
    ...{ organization: await session.organization(), tokenId, method: method.toUpperCase(), url },
    ...(address === undefined ? {} : { address }),
  };
  const explained = (await session.client.send({
    method: 'POST',
    path: '/v1/explain',
    body,
  })) as unknown as Explanation;
  if (values.json) printJson(explained);
  else process.stdout.write(explanationText(explained, widthOf(process.stdout)));
  if (explained.outcome !== 'allowed') process.exitCode = 2;
}

function explanationText({ outcome, reason, status, request, token, checks, fix }: Explanation, width: number): string {
  const head =
    outcome === 'allowed'
      ? good('ALLOWED')
      : outcome === 'depends'
        ? 'DEPENDS on its body'
        : bad(`REFUSED ${status} ${reason}`);
  const of = token.ownerId === null ? token.kind : `${token.kind}, ${token.ownerId}`;
  return [
    `${head}  ${request.method} ${request.path}  token ${token.id} ${JSON.stringify(token.name)} (${of})\n`,
    table(COLUMNS, checks, width),
    ...(outcome === 'refused' ? [fixText(fix)] : []),
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
