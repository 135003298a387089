/** The options of `scopegate bench` as a plan. Throws SetupError for what cannot be meant. Asks nobody. */
import { SetupError } from '../../errors.ts';
import type { Arrivals } from '../../load-test/arrivals.ts';
import type { LoadTarget } from '../../load-test/load-client.ts';
import type { LoadPlan } from '../../load-test/plan.ts';
import { durationMs } from '../time-words.ts';
import { countOf, numberOf, percentOf } from './amounts.ts';

export interface LoadValues {
  readonly rate: string | undefined;
  readonly for: string;
  readonly arrivals: string;
  readonly 'warm-up': string;
  readonly miss: string;
  readonly unknown: string;
  readonly refused: string;
  readonly revoke: string;
  readonly direct: string | undefined;
  readonly turn: string;
  readonly saturate: string | undefined;
  readonly method: string;
  readonly header: readonly string[];
  readonly connections: string;
  readonly timeout: string;
}

const REQUESTS_MAX = 50_000_000;

export function planOf(values: LoadValues, urls: readonly string[]): LoadPlan {
  const { rate, direct } = values;
  if (rate === undefined) throw new SetupError('how much? --rate N says how many requests a second');
  const targets = urls.map((url) => targetOf(url, 'URL'));
  const perSecond = numberOf(rate, '--rate');
  const runMs = durationMs(values.for, '--for');
  if (perSecond === 0 || runMs === 0) throw new SetupError('--rate and --for are more than 0');
  if ((perSecond * runMs) / 1000 > REQUESTS_MAX)
    throw new SetupError(`--rate and --for make more than ${REQUESTS_MAX.toLocaleString('en-US')} requests`);
  return {
    ...{ targets, perSecond, durationMs: runMs, arrivals: values.arrivals as Arrivals },
    method: values.method.toUpperCase(),
    headers: Object.fromEntries(values.header.map(headerOf)),
    warmUpMs: durationMs(values['warm-up'], '--warm-up'),
    connections: countOf(values.connections, '--connections'),
    timeoutMs: durationMs(values.timeout, '--timeout'),
    mix: mixOf(values),
    revocationsPerSecond: numberOf(values.revoke, '--revoke'),
    direct: direct === undefined ? null : beside(targets, direct),
    turnMs: direct === undefined ? runMs : Math.min(runMs, Math.max(durationMs(values.turn, '--turn'), 100)),
    saturateMs: values.saturate === undefined ? 0 : durationMs(values.saturate, '--saturate'),
  };
}

function mixOf(values: LoadValues): LoadPlan['mix'] {
  const [miss, unknown, refused] = [
    percentOf(values.miss, '--miss'),
    percentOf(values.unknown, '--unknown'),
    percentOf(values.refused, '--refused'),
  ];
  const hit = 100 - miss - unknown - refused;
  if (hit < 0) throw new SetupError('--miss, --unknown and --refused are more than 100 % together; the rest are hits');
  return { hit, miss, unknown, refused };
}

function targetOf(text: string, option: string): LoadTarget {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '')
    throw new SetupError(`${option} is an address such as http://127.0.0.1:8080/path, not ${JSON.stringify(text)}`);
  return { origin: url.origin, path: url.pathname + url.search };
}

/** The same paths elsewhere; below one where the address has one. */
function beside(targets: readonly LoadTarget[], text: string): LoadTarget[] {
  const { origin, path } = targetOf(text, '--direct');
  return targets.map((target) => ({ origin, path: path.replace(/\/$/, '') + target.path }));
}

function headerOf(line: string): [string, string] {
  const [, name, value] = /^([\w!#$%&'*+.^`|~-]+):\s*(.*)$/.exec(line) ?? [];
  if (name === undefined) throw new SetupError(`--header takes 'Name: value', not ${JSON.stringify(line)}`);
  if (name.toLowerCase() === 'authorization')
    throw new SetupError('--header takes no token: --token-file FILE reads them from a file');
  return [name.toLowerCase(), value!];
}
