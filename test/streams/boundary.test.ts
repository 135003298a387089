/** Wherever the bytes are cut, the places where something can be said are found, and no others. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Boundary, EventBoundary, FrameBoundary } from '../../src/edge/streams/boundary.ts';
import { assertForSeeds } from '../support/chance.ts';

/** `pieces` in a row, cut at random; `ends`: where a boundary is. */
function check(boundary: () => Boundary, text: Buffer, ends: ReadonlySet<number>, cuts: readonly number[]): void {
  const followed = boundary();
  let at = 0;
  for (const cut of [...new Set([...cuts.map((each) => each % (text.length + 1)), text.length])].sort(
    (a, b) => a - b,
  )) {
    expect(followed.follow(text.subarray(at, cut), false)).toBe(cut - at);
    at = cut;
    expect(followed.isReached, `after ${at} of ${text.toString('latin1')}`).toBe(ends.has(at));
    const asked = boundary();
    asked.follow(text.subarray(0, at), false);
    const next = [...ends].filter((end) => end > at).sort((a, b) => a - b)[0] ?? text.length;
    if (!asked.isReached && at < text.length) expect(asked.follow(text.subarray(at), true)).toBe(next - at);
  }
}

const cuts = fc.array(fc.nat());

describe('frames', () => {
  const frame = fc.record({
    opcode: fc.constantFrom(0, 1, 2, 9, 10),
    length: fc.oneof(fc.nat(130), fc.constantFrom(65_535, 65_536, 70_000)),
    form: fc.constantFrom('short', 'medium', 'long'),
    masked: fc.boolean(),
  });
  test('of every length form, masked or not', async () => {
    await assertForSeeds(
      fc.property(fc.array(frame, { maxLength: 6 }), cuts, (frames, at) => {
        const ends = new Set([0]);
        let end = 0;
        const text = Buffer.concat(
          frames.map(({ opcode, length, form, masked }) => {
            const long = length > 65_535 || form === 'long';
            const medium = !long && (length > 125 || form === 'medium');
            const size = Buffer.alloc(long ? 8 : medium ? 2 : 0);
            if (long) size.writeBigUInt64BE(BigInt(length));
            else if (medium) size.writeUInt16BE(length);
            const second = (masked ? 0x80 : 0) | (long ? 127 : medium ? 126 : length);
            const whole = Buffer.concat([
              Buffer.from([0x80 | opcode, second]),
              size,
              Buffer.alloc(masked ? 4 : 0, 0xff),
              Buffer.alloc(length, 0x81),
            ]);
            end += whole.length;
            ends.add(end);
            return whole;
          }),
        );
        check(() => new FrameBoundary(), text, ends, at);
      }),
      { numRuns: 300 },
    );
  });

  test('a close frame is remembered', () => {
    const boundary = new FrameBoundary();
    boundary.follow(Buffer.from([0x81, 0]), false);
    expect(boundary.hasClosed).toBe(false);
    boundary.follow(Buffer.from([0x88, 2, 3, 0xe8]), false);
    expect(boundary.hasClosed).toBe(true);
  });
});

test('events end with a blank line, of whichever line ends', async () => {
  await assertForSeeds(
    fc.property(fc.array(fc.constantFrom('\n', '\r', '\r\n', 'a', ':'), { maxLength: 20 }), cuts, (parts, at) => {
      const text = parts.join('');
      // Line by line, as a browser reads it: after an empty line something new begins.
      const ends = new Set([0]);
      for (let index = 1; index <= text.length; index++) {
        const lines = text.slice(0, index).split(/\r\n|\r|\n/);
        if (lines.length > 2 && lines.at(-1) === '' && lines.at(-2) === '') ends.add(index);
      }
      check(() => new EventBoundary(), Buffer.from(text), ends, at);
    }),
    { numRuns: 1000 },
  );
});
