/** What people see fits their terminal, and nobody's name can write there as it likes. */
import { describe, expect, it } from 'vitest';
import { type Column, fieldList, table, textWidth } from '../../src/cli/terminal.ts';
import { durationMs, endOf, seen, span } from '../../src/cli/time-words.ts';

interface Row {
  readonly id: string;
  readonly name: string;
}
const COLUMNS: ReadonlyArray<Column<Row>> = [
  { title: 'ID', text: ({ id }) => id },
  { title: 'NAME', text: ({ name }) => name },
];
const ROWS = [
  { id: 'a', name: 'an export that runs every night' },
  { id: 'bb', name: '夜间导出' },
];

describe('a table', () => {
  it('stands under its titles, letters that are two wide included', () => {
    const rows = [{ id: '导出', name: 'x' }, ...ROWS];
    expect(table(COLUMNS, rows, Number.POSITIVE_INFINITY)).toBe(
      'ID    NAME\n导出  x\na     an export that runs every night\nbb    夜间导出\n',
    );
  });

  it('is cut where the terminal is narrow, the widest column first', () => {
    const text = table(COLUMNS, ROWS, 16);
    expect(text).toBe('ID  NAME\na   an export t…\nbb  夜间导出\n');
    for (const line of text.trimEnd().split('\n')) expect(textWidth(line)).toBeLessThanOrEqual(16);
  });

  it('becomes lists of fields where it would say nothing any more', () => {
    expect(table(COLUMNS, ROWS, 8)).toBe(
      'id    a\nname  an export that runs every night\n\nid    bb\nname  夜间导出\n',
    );
  });

  it('never cuts what people copy', () => {
    const whole = COLUMNS.map((column) => ({ ...column, whole: true as const }));
    expect(table(whole, ROWS, 16)).toContain('name  an export that runs every night\n');
  });

  it('of nothing is nothing', () => expect(table(COLUMNS, [], 80)).toBe(''));

  it.each([
    ['\x1b[2Jgone', '\\x1b[2Jgone'],
    ['two\nlines', 'two\\x0alines'],
    ['\u202eback', '\\u{202e}back'],
    ['\u{e0041}hidden', '\\u{e0041}hidden'],
  ])('shows %j as %j', (name, shown) => {
    expect(table(COLUMNS, [{ id: 'a', name }], 80)).toContain(shown);
    expect(fieldList([['name', name]])).toBe(`name  ${shown}\n`);
  });
});

describe('times', () => {
  it.each([
    ['90s', 90_000],
    ['12h', 43_200_000],
    ['30d', 2_592_000_000],
    ['250ms', 250],
    ['0', 0],
  ])('%s', (text, ms) => expect(durationMs(text, '--wait')).toBe(ms));

  it.each(['', '30', '-1d', '1.5h', 'd', '30 d'])('%j is none', (text) =>
    expect(() => durationMs(text, '--wait')).toThrow(/^--wait takes a time such as 90s, 12h or 30d, not "/),
  );

  it('an end is a time from now, an instant or never', () => {
    expect(endOf('30d', '--expires')).toEqual({ afterMs: 2_592_000_000 });
    expect(endOf('2030-01-31T00:00:00Z', '--expires')).toEqual({ at: '2030-01-31T00:00:00Z' });
    expect(endOf('never', '--expires')).toBe('never');
    expect(() => endOf('2030', '--expires')).toThrow('--expires takes 30d, 12h, an instant');
  });

  it('are told in the unit of which there are two at least', () => {
    expect([span(2_591_999_000), span(47 * 3_600_000), span(90_000), span(1500), span(86_400_000 * 4000)]).toEqual([
      ...['30 d', '47 h', '90 s', '1500 ms', '4,000 d'],
    ]);
    const nowMs = Date.parse('2030-01-01T00:00:00Z');
    expect(seen('2030-01-04T00:00:00Z', nowMs)).toBe('in 3 d');
    expect(seen('2029-12-29T00:00:00Z', nowMs)).toBe('3 d ago');
    expect(seen(null, nowMs)).toBe('never');
  });
});
