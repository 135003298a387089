/**
 * `scopegate import`: takes the tokens of another system into a running sidecar by their SHA-256, and says of each line
 * that was not taken why. A file with any mistake of form changes nothing; a second run finds what the first one did.
 */
import type { Sidecar } from '../directory/sidecar.ts';
import { SidecarRefusal } from '../directory/sidecar.ts';
import { ConfigError, formatProblem, type Problem, SetupError } from '../errors.ts';
import { type Checked, checkRow } from '../import/check.ts';
import { readRows } from '../import/rows.ts';
import { type BatchReport, type Send, sendRows, type Totals } from '../import/send.ts';
import { adminClient } from './admin-client.ts';
import type { Invocation } from './command.ts';
import { type GatewayOptionValues, namedGateway } from './named-gateway.ts';
import { amount, pace, progressOn } from './progress.ts';

interface ImportValues extends GatewayOptionValues {
  readonly organization: string | undefined;
  readonly 'dry-run': boolean;
  readonly json: boolean;
}

/** More of the same teach nothing; the counts tell of them. */
const SHOWN_MAX = 100;

export async function importCommand({ values, args, env }: Invocation<ImportValues>): Promise<void> {
  const path = args[0]!;
  const total = await check(path, values.organization);
  const sidecar = adminClient(await namedGateway(values, env));
  const progress = progressOn(process.stderr);
  const startedMs = performance.now();
  const totals: Totals = { imported: 0, existing: 0, refused: 0, differing: 0 };
  const said: Array<Problem & { readonly code: string }> = [];
  const say = (problem: Problem, code: string) => {
    if (said.length < SHOWN_MAX) said.push({ ...problem, code });
  };
  let failure: Error | null = null;
  try {
    process.stderr.write(`${values['dry-run'] ? 'asking' : 'changing'} ${await sidecar.identify()}\n`);
    await sendRows(rowsOf(path, values.organization), totals, {
      file: path,
      send: sender(sidecar, values['dry-run']),
      onRefused: say,
      onDifference: (problem) => say(problem, 'differs'),
      onStep: (now) => progress.say(pace(doneOf(now), total, performance.now() - startedMs)),
    });
  } catch (error) {
    if (!(error instanceof SidecarRefusal || error instanceof SetupError)) throw error;
    failure = error;
  }
  progress.clear();
  const report = { totals, total, said, failure, dryRun: values['dry-run'] };
  if (values.json) printJson(report);
  else printText(report);
  if (failure !== null || totals.refused > 0) process.exitCode = 1;
}

/** The whole file by itself, before anything is done. Returns its number of rows. */
async function check(path: string, organization: string | undefined): Promise<number> {
  const problems: Problem[] = [];
  let total = 0;
  for await (const row of readRows(path)) {
    if (problems.length >= SHOWN_MAX) break;
    const wrong = 'message' in row ? row : mistake(path, row.line, checkRow(row, organization));
    if (wrong === null) total++;
    else problems.push(wrong);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return total;
}

function mistake(file: string, line: number, checked: Checked | string): Problem | null {
  return typeof checked === 'string' ? { file, line, column: 1, message: checked } : null;
}

async function* rowsOf(path: string, organization: string | undefined): AsyncGenerator<Checked> {
  for await (const row of readRows(path)) {
    const checked = 'message' in row ? row.message : checkRow(row, organization);
    if (typeof checked === 'string') throw new SetupError(`${path} was changed while it was read`);
    yield checked;
  }
}

function sender(sidecar: Sidecar, dryRun: boolean): Send {
  const query = dryRun ? { query: { dryRun: 'true' } } : {};
  return async (organization, tokens) => {
    const path = [organization, 'tokens', 'import'];
    return (await sidecar.call({ method: 'POST', path, body: { tokens }, ...query })) as unknown as BatchReport;
  };
}

interface Report {
  readonly totals: Totals;
  readonly total: number;
  readonly said: ReadonlyArray<Problem & { readonly code: string }>;
  readonly failure: Error | null;
  readonly dryRun: boolean;
}

function printText({ totals, total, said, failure, dryRun }: Report): void {
  for (const problem of said) process.stderr.write(`${formatProblem(problem)} (${problem.code})\n`);
  const unsaid = totals.refused + totals.differing - said.length;
  if (unsaid > 0) process.stderr.write(`and ${amount(unsaid)} more\n`);
  process.stdout.write(
    `${amount(totals.imported)} imported, ${amount(totals.existing)} here already, ${amount(totals.refused)} refused\n`,
  );
  if (dryRun) process.stderr.write('dry run: nothing was changed\n');
  if (failure === null) return;
  const left = total - doneOf(totals);
  const rows = left === 1 ? '1 row was' : `${amount(left)} rows were`;
  process.stderr.write(`scopegate: ${refusal(failure)}\n${rows} not looked at. Running it again goes on from here.\n`);
}

function printJson({ totals, total, said, failure, dryRun }: Report): void {
  const failed = failure === null ? {} : { failed: refusal(failure), remaining: total - doneOf(totals) };
  process.stdout.write(`${JSON.stringify({ ...totals, dryRun, problems: said, ...failed })}\n`);
}

function refusal(error: Error): string {
  return error instanceof SidecarRefusal ? `${error.message} (${error.status} ${error.code})` : error.message;
}

function doneOf({ imported, existing, refused }: Totals): number {
  return imported + existing + refused;
}
