/** The header lines of a head, wherever its reads are cut. */
import { expect, it } from 'vitest';
import { HeaderSpans } from '../../src/upstream/header-spans.ts';

const REASON = 'Not Found';
const FIELDS = [
  ['X-First', 'one'],
  ['x-EMPTY', ''],
  ['X-Blank', 'two words'],
  ['x-last', 'end \xe9'],
] as const;

/** What a parser reports of this head, a span cut in two where a read ends, in reads cut at `cuts`. */
function collected(cuts: readonly number[], behindValue = ''): HeaderSpans {
  let text = REASON;
  const spans: ['reason' | 'name' | 'value', number, number][] = [['reason', 0, REASON.length]];
  for (const [name, value] of FIELDS) {
    spans.push(['name', text.length, name.length]);
    text += name;
    spans.push(['value', text.length + 2, value.length + behindValue.length]);
    text += `: ${value}${behindValue}\r\n`;
  }
  const collector = new HeaderSpans();
  const ends = [...cuts, text.length];
  let from = 0;
  for (const end of ends) {
    // Not at the start of its buffer, as a read is not.
    collector.attach(Buffer.from(`##${text.slice(from, end)}`, 'latin1'), 2);
    for (const [kind, at, length] of spans) {
      const start = Math.max(at, from);
      const stop = Math.min(at + length, end);
      if (stop < start || (stop === start && (length > 0 || stop === end))) continue;
      const add = { reason: 'addReason', name: 'addName', value: 'addValue' }[kind] as 'addName';
      expect(collector[add](start - from, stop - start)).toBe(true);
    }
    if (end === text.length) collector.finish();
    else collector.suspend();
    from = end;
  }
  return collector;
}

it('are whole, in order and as spelt, whether they come in one read or are cut at any byte', () => {
  const { headers, reason } = collected([]);
  expect({ headers, reason }).toEqual({ headers: FIELDS.flat(), reason: REASON });
  for (let cut = 1; cut < 70; cut++) {
    const found = collected([cut]);
    expect([found.headers, found.reason], `cut at ${cut}`).toEqual([FIELDS.flat(), REASON]);
  }
  const bytes = collected(Array.from({ length: 69 }, (_, index) => index + 1));
  expect([bytes.headers, bytes.reason]).toEqual([FIELDS.flat(), REASON]);
});

it('lose the white space behind a value, also where it is cut', () => {
  for (let cut = 0; cut < 70; cut++) expect(collected(cut === 0 ? [] : [cut], ' \t').headers).toEqual(FIELDS.flat());
});

it('of one message are no more than 64 KiB; a new message begins at nothing', () => {
  const collector = new HeaderSpans();
  collector.attach(Buffer.alloc(70_000, 'a'), 0);
  expect([collector.addName(0, 10), collector.addValue(10, 65_000)]).toEqual([true, true]);
  expect(collector.addValue(10, 1000)).toBe(false);
  collector.clear();
  expect(collector.addName(0, 10)).toBe(true);
  collector.finish();
  expect(collector.headers).toEqual(['aaaaaaaaaa', '']);
});
