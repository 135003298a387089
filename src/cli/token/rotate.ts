/** `scopegate token rotate`: prints the new text alone, and says until when which text works. */
import type { Invocation } from '../command.ts';
import { type ChangeValues, note, printJson, receiptText, Session } from '../session.ts';
import { durationMs, seen } from '../time-words.ts';
import { type Token, tokenName } from './token.ts';

interface RotateValues extends ChangeValues {
  readonly grace: string;
}

interface Rotated extends Token {
  readonly token: string;
  readonly values: ReadonlyArray<{
    readonly value: 'current' | 'replaced' | 'earlier';
    readonly hint: string | null;
    readonly worksUntil: string | null;
  }>;
}

export async function rotateCommand({ values, args, env }: Invocation<RotateValues>): Promise<void> {
  const graceSeconds = Math.ceil(durationMs(values.grace, '--grace') / 1000);
  const session = await Session.open(values, env);
  const body = { graceSeconds };
  const rotated = await session.change<Rotated>(
    { method: 'POST', path: ['tokens', args[0]!, 'rotate'], body },
    values.wait,
  );
  if (values.json) printJson(rotated);
  else process.stdout.write(`${rotated.token}\n`);
  const old = rotated.values.find(({ value }) => value === 'replaced');
  const ends = graceSeconds === 0 ? 'has ended' : `ends ${seen(old?.worksUntil ?? null, Date.now())}`;
  note(`${tokenName(rotated)}: rotated, ${receiptText(rotated, 'in force at')}. The old text ${ends}.`);
}
