/** `scopegate diff`: what two configurations decide differently. Exit code 2: something. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Found } from '../../config/load/check-gateway.ts';
import type { Env } from '../../config/yaml/expand.ts';
import { compareRules } from '../../diff/compare-rules.ts';
import type { Replayed, RulesComparison } from '../../diff/comparison.ts';
import { flippedTokens, type LiveToken } from '../../diff/live-tokens.ts';
import { type LoggedDecision, replayed } from '../../diff/replay.ts';
import { SetupError } from '../../errors.ts';
import type { Invocation } from '../command.ts';
import type { GatewayOptionValues } from '../named-gateway.ts';
import { Session } from '../session.ts';
import { DIFF_FORMATS, type DiffFormat } from './diff-formats.ts';
import { loadRules } from './rules-source.ts';

interface DiffValues extends GatewayOptionValues {
  readonly tokens: boolean;
  readonly replay: string | undefined;
  readonly 'fail-on': string;
  readonly format: string;
  readonly json: boolean;
}

const TOKENS_MAX = 20_000;

export async function diffRulesCommand({ values, args, env }: Invocation<DiffValues>): Promise<void> {
  const [before, after] = args.map((named) => loadRules(named, env)) as [Found, Found];
  const difference = compareRules(before, after);
  const wantsTokens = values.tokens;
  const known = wantsTokens ? await liveTokens(values, env) : null;
  const live =
    known === null
      ? null
      : {
          tokens: known.tokens.length,
          isCut: known.isCut,
          flips: flippedTokens(difference.pairs, known.tokens, before, after),
        };
  const replay =
    values.replay === undefined ? null : await replayLog(values.replay, before, after, known?.tokens ?? []);
  const comparison: RulesComparison = { ...difference, live, replay };
  const format: DiffFormat = DIFF_FORMATS[values.json ? 'json' : (values.format as keyof typeof DIFF_FORMATS)];
  process.stdout.write(format(comparison));
  if (isNo(comparison, values['fail-on'])) process.exitCode = 2;
}

function isNo({ routes, roles, live, replay }: RulesComparison, failOn: string): boolean {
  const wider = [...routes, ...roles].some(({ direction }) => direction === 'wider' || direction === 'both');
  if (failOn === 'wider') return wider;
  const isSame = routes.length + roles.length + (live?.flips.length ?? 0) === 0;
  return !isSame || (replay !== null && replay.same < replay.decisions);
}

interface TokenItem extends Omit<LiveToken, 'follows'> {
  readonly kind: string;
}

interface PolicyItem {
  readonly kinds: Readonly<Record<string, { readonly authority: string }>>;
}

interface MemberItem {
  readonly id: string;
  readonly role: string;
  readonly scopes: readonly string[] | null;
}

/** Of every organization, as the sidecar lists them. */
async function liveTokens(values: GatewayOptionValues, env: Env) {
  const tokens: LiveToken[] = [];
  const lister = await Session.open({ ...values, as: undefined }, env);
  const { kinds } = (await lister.client.send({ method: 'GET', path: '/v1/policy' })) as unknown as PolicyItem;
  for await (const { id: organization } of lister.all<{ readonly id: string }>(null)) {
    const session = await Session.open({ ...values, as: undefined, organization }, env);
    const members = new Map<string, MemberItem>();
    for await (const member of session.all<MemberItem>(['members'])) members.set(member.id, member);
    for await (const token of session.all<TokenItem>(['tokens'], { state: 'active' })) {
      if (tokens.length >= TOKENS_MAX) return { tokens, isCut: true };
      const follows = token.ownerId !== null && kinds[token.kind]?.authority === 'live';
      const owner = follows ? (members.get(token.ownerId!) ?? null) : null;
      tokens.push({ ...token, follows: owner });
    }
  }
  return { tokens, isCut: false };
}

async function replayLog(path: string, before: Found, after: Found, tokens: readonly LiveToken[]): Promise<Replayed> {
  const byId = new Map(tokens.map((token) => [token.id, token]));
  const changes = new Map<string, Replayed['changes'][number]>();
  let decisions = 0;
  let same = 0;
  for await (const line of linesOf(path)) {
    const decision = decisionIn(line);
    if (decision === null) continue;
    decisions++;
    const verdict = replayed(decision, { before, after, tokenOf: (id) => byId.get(id) ?? null });
    if (verdict.kind === 'same') same++;
    else {
      const key = JSON.stringify([verdict, decision.token]);
      changes.set(key, { verdict, token: decision.token, count: (changes.get(key)?.count ?? 0) + 1 });
    }
  }
  if (decisions === 0) throw new SetupError(`${path} holds no decisions; log.decisions in gateway.yaml writes them`);
  return { decisions, same, changes: [...changes.values()].toSorted((left, right) => right.count - left.count) };
}

async function* linesOf(path: string): AsyncGenerator<string> {
  const input = path === '-' ? process.stdin : createReadStream(path);
  try {
    yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  } catch (error) {
    throw new SetupError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

/** null: another line. */
function decisionIn(line: string): LoggedDecision | null {
  if (!line.startsWith('{') || !line.includes('"decision"')) return null;
  try {
    const read = JSON.parse(line) as LoggedDecision & { readonly msg?: string };
    const isOne = read.msg === 'decision' && typeof read.method === 'string' && typeof read.path === 'string';
    return isOne ? read : null;
  } catch {
    return null;
  }
}
