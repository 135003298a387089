/** `scopegate bench`: a load test of a gateway, with tokens of its own or from a file. Exit code 2: the answer is no. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Env } from '../../config/yaml/expand.ts';
import { SidecarRefusal } from '../../directory/sidecar.ts';
import { SetupError } from '../../errors.ts';
import { type DrawnLoad, drawLoad, type LoadPlan, type LoadTokens } from '../../load-test/plan.ts';
import { reportPage } from '../../load-test/report-page.ts';
import type { LoadResult } from '../../load-test/result.ts';
import { runLoad } from '../../load-test/run.ts';
import { parseThreshold } from '../../load-test/threshold.ts';
import type { Invocation } from '../command.ts';
import { type ProgressLine, progressOn } from '../progress.ts';
import { note, type OrganizationValues, printJson, Session } from '../session.ts';
import { likeness } from '../token/create.ts';
import { expiryOfNew, type GrantBody, grantBody } from '../token/grant.ts';
import type { Token } from '../token/token.ts';
import { countOf } from './amounts.ts';
import { OwnTokens } from './own-tokens.ts';
import { type LoadValues, planOf } from './plan-of.ts';
import { resultText } from './result-text.ts';

interface BenchValues extends LoadValues, OrganizationValues {
  readonly threshold: readonly string[];
  readonly report: string | undefined;
  readonly save: string | undefined;
  readonly json: boolean;
  readonly 'token-file': string | undefined;
  readonly 'refused-file': string | undefined;
  readonly tokens: string;
  readonly like: string | undefined;
  readonly owner: string | undefined;
  readonly kind: string | undefined;
  readonly scope: readonly string[];
  readonly workspace: readonly string[];
  readonly workspaces: string | undefined;
  readonly expires: string;
}

const INTERRUPTED = 130;
/** Refused tokens are used again and again. */
const REFUSED_TOKENS = 2;

export async function benchCommand({ values, args, env }: Invocation<BenchValues>): Promise<void> {
  const plan = planOf(values, args);
  const thresholds = values.threshold.map(parseThreshold);
  const drawn = drawLoad(plan, Math.random);
  const fromFile = values['token-file'] === undefined ? null : tokensFrom(values, plan);
  const own = fromFile === null ? await OwnTokens.open(...(await newTokens(values, env))) : null;
  const progress = progressOn(process.stderr);
  const { signal, release } = untilInterrupted(own);
  let result: LoadResult | null = null;
  try {
    const tokens =
      fromFile ?? (await makeTokens(own!, plan, drawn, countOf(values.tokens, '--tokens'), signal, progress));
    const revoke = own === null ? null : (id: string) => own.revoke(id);
    if (!signal.aborted) result = await runLoad(plan, drawn, tokens, { revoke, thresholds, signal, say: progress.say });
  } finally {
    const left = (await own?.remove(progress.say)) ?? 0;
    progress.clear();
    if (left > 0) note(`${left} tokens are left, named "${own!.name} …"; they end by themselves (--expires)`);
    release();
  }
  if (result !== null) show(result, values);
  if (signal.aborted) process.exitCode = INTERRUPTED;
}

function show(result: LoadResult, { json, save, report }: BenchValues): void {
  if (save !== undefined) write(save, `${JSON.stringify(result)}\n`);
  if (report !== undefined) write(report, reportPage(result));
  if (json) printJson(result);
  else process.stdout.write(resultText(result));
  if (report !== undefined) note(`report: ${report}`);
  if (result.verdict !== 'kept') process.exitCode = 2;
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new SetupError(`${path} cannot be written (${(error as NodeJS.ErrnoException).code})`);
  }
}

/** The first signal ends the load and removes the tokens; a second one leaves them. */
function untilInterrupted(own: OwnTokens | null): { readonly signal: AbortSignal; readonly release: () => void } {
  const stop = new AbortController();
  const interrupted = () => {
    if (stop.signal.aborted) process.exit(INTERRUPTED);
    note(`\ninterrupted${own === null ? '' : `: removing the tokens "${own.name} …"; once more to leave them`}`);
    stop.abort();
  };
  process.on('SIGINT', interrupted).on('SIGTERM', interrupted);
  return {
    signal: stop.signal,
    release: () => process.off('SIGINT', interrupted).off('SIGTERM', interrupted),
  };
}

function tokensFrom(values: BenchValues, plan: LoadPlan): LoadTokens {
  if (plan.mix.miss > 0 || plan.revocationsPerSecond > 0)
    throw new SetupError('--miss and --revoke need tokens that bench makes itself: leave --token-file out');
  const hit = linesOf(values['token-file']!);
  const refused = values['refused-file'] === undefined ? [] : linesOf(values['refused-file']);
  if (plan.mix.refused > 0 && refused.length === 0)
    throw new SetupError('--refused beside --token-file needs --refused-file FILE: tokens that are to be refused');
  return { hit, refused, miss: [], victims: [] };
}

function linesOf(path: string): string[] {
  let text: string;
  try {
    text = readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    throw new SetupError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  const lines = text.split(/\s+/).filter((line) => line !== '');
  if (lines.length === 0) throw new SetupError(`${path} holds no token`);
  return lines;
}

async function newTokens(values: BenchValues, env: Env): Promise<[Session, GrantBody]> {
  const { like, owner, kind, scope, workspace, workspaces } = values;
  if (like === undefined && scope.length === 0 && owner === undefined)
    throw new SetupError(
      'which tokens? --like ID makes them like one that may do this; or describe them: --owner MEMBER --scope SCOPE ' +
        '--workspace ID; or --token-file FILE takes some that there are',
    );
  const described = {
    name: undefined,
    description: undefined,
    environment: [],
    environments: undefined,
    'allow-from': [],
    scope,
    workspace,
    workspaces,
  };
  const given = { ...described, expires: values.expires };
  const session = await Session.open(values, env);
  const liked = like === undefined ? {} : likeness(await session.get<Token>(['tokens', like]));
  return [
    session,
    {
      ...liked,
      ...grantBody(given),
      ...expiryOfNew(given),
      ...(owner === undefined ? {} : { owner }),
      ...(kind === undefined ? {} : { kind }),
    },
  ];
}

async function makeTokens(
  own: OwnTokens,
  { mix }: LoadPlan,
  { misses, victims }: DrawnLoad,
  hits: number,
  signal: AbortSignal,
  { say }: ProgressLine,
): Promise<LoadTokens> {
  const refused = mix.refused === 0 ? 0 : REFUSED_TOKENS;
  const count = hits + misses + victims + refused;
  const made = await own.make(count, signal, say).catch((error: unknown) => {
    if (!(error instanceof SidecarRefusal) || error.code !== 'limit_reached') throw error;
    throw new SetupError(
      `${error.message} This load needs ${count}: ${hits} for hits (--tokens), ${misses} for misses (--miss), ` +
        `${victims} to revoke (--revoke) and ${refused} to be refused`,
    );
  });
  for (const { id } of made.slice(0, signal.aborted ? 0 : refused)) await own.revoke(id);
  const texts = made.map(({ text }) => text);
  return {
    refused: texts.slice(0, refused),
    hit: texts.slice(refused, refused + hits),
    miss: texts.slice(refused + hits, refused + hits + misses),
    victims: made.slice(refused + hits + misses),
  };
}
