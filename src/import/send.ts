/**
 * Hands the rows of a file to a sidecar, batch by batch, and adds up what it answers. Stops where the sidecar cannot be
 * asked or refuses a whole batch; what is done stays done, and is found done the next time.
 */
import type { Problem } from '../errors.ts';
import type { Checked, TokenToImport } from './check.ts';

/** The sidecar's answer to one batch. */
export interface BatchReport {
  readonly tokens: ReadonlyArray<{
    readonly outcome: 'imported' | 'existing' | 'refused';
    readonly id?: string;
    readonly differs?: readonly string[];
    readonly code?: string;
    readonly detail?: string;
  }>;
}

export type Send = (organization: string, tokens: readonly TokenToImport[]) => Promise<BatchReport>;

export interface Totals {
  imported: number;
  existing: number;
  refused: number;
  /** Of the existing ones. */
  differing: number;
}

export interface SendOptions {
  readonly file: string;
  readonly send: Send;
  readonly onRefused: (problem: Problem, code: string) => void;
  /** It is here already, but not as the file says. */
  readonly onDifference: (problem: Problem) => void;
  readonly onStep: (totals: Totals) => void;
}

const BATCH = 1000;
/** Of JSON: half of what a sidecar takes, for names that need more bytes than characters. */
const BATCH_CHARACTERS = 1024 * 1024;

/** Rejects as `send` does; `totals` says how far it came. */
export async function sendRows(rows: AsyncIterable<Checked>, totals: Totals, options: SendOptions): Promise<void> {
  let batch: Checked[] = [];
  let characters = 0;
  const flush = async () => {
    if (batch.length === 0) return;
    const sent = batch;
    batch = [];
    characters = 0;
    const { tokens } = await options.send(
      sent[0]!.organization,
      sent.map(({ token }) => token),
    );
    for (const [index, result] of tokens.entries()) tally(sent[index]!.line, result, totals, options);
    options.onStep(totals);
  };
  for await (const row of rows) {
    const { length } = JSON.stringify(row.token);
    const full = batch.length === BATCH || characters + length > BATCH_CHARACTERS;
    if (full || (batch.length > 0 && batch[0]!.organization !== row.organization)) await flush();
    batch.push(row);
    characters += length;
  }
  await flush();
}

function tally(line: number, result: BatchReport['tokens'][number], totals: Totals, options: SendOptions): void {
  totals[result.outcome]++;
  const at = { file: options.file, line, column: 1 };
  if (result.outcome === 'refused') options.onRefused({ ...at, message: result.detail! }, result.code!);
  if (result.differs === undefined || result.differs.length === 0) return;
  totals.differing++;
  options.onDifference({
    ...at,
    message: `is here already as ${result.id!}, with another ${result.differs.join(', ')}; nothing was changed`,
  });
}
