/** The count of the fields in a header block, whatever they look like and wherever the block is cut. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FieldCount } from '../../src/core/hpack-count.ts';
import { assertForSeeds } from '../support/chance.ts';

/** RFC 7541 section 5.1. */
function integer(value: number, bits: number, pattern: number): number[] {
  const max = 2 ** bits - 1;
  if (value < max) return [pattern | value];
  const bytes = [pattern | max];
  let rest = value - max;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}

const text = fc
  .tuple(fc.uint8Array({ maxLength: 400 }), fc.constantFrom(0, 0x80))
  .map(([bytes, huffman]) => [...integer(bytes.length, 7, huffman), ...bytes]);
const index = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 60, max: 100_000 }));
const literal = fc
  .tuple(fc.constantFrom([6, 0x40], [4, 0x00], [4, 0x10]), fc.option(index), text, text)
  .map(([[bits, pattern], name, own, value]) => [
    ...integer(name ?? 0, bits!, pattern!),
    ...(name === null ? own : []),
    ...value,
  ]);
const field = fc.oneof(
  index.map((at) => integer(at, 7, 0x80)),
  literal,
);
const sizeUpdate = fc.nat({ max: 5000 }).map((size) => integer(size, 5, 0x20));

it('counts every field of any block, wherever it is cut', async () => {
  await assertForSeeds(
    fc.property(
      fc.array(field),
      fc.array(sizeUpdate, { maxLength: 2 }),
      fc.array(fc.nat()),
      (fields, updates, cuts) => {
        const block = Uint8Array.from([...updates, ...fields].flat());
        const counted = new FieldCount();
        const places = [...cuts.map((cut) => cut % (block.length + 1)), block.length].sort((a, b) => a - b);
        for (const [nth, to] of places.entries()) counted.feed(block, places[nth - 1] ?? 0, to);
        expect(counted.count).toBe(fields.length);
      },
    ),
  );
});
