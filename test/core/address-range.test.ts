/** What an address list promises: every spelling of an address is that address, and what is none is in no range. */
import { BlockList, isIP } from 'node:net';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { coversRanges, isWithin, readAddress, readRange } from '../../src/core/address-range.ts';
import { assertForSeeds } from '../support/chance.ts';

const ranges = (...texts: string[]) => texts.map((text) => readRange(text)!);

it.each([
  ['10.1.2.3', ['10.0.0.0/8'], true],
  ['11.0.0.0', ['10.0.0.0/8'], false],
  ['9.255.255.255', ['10.0.0.0/8'], false],
  ['192.0.2.1', ['192.0.2.1'], true],
  ['192.0.2.2', ['192.0.2.1'], false],
  ['192.0.2.2', ['192.0.2.1', '192.0.2.2'], true],
  ['8.8.8.8', ['0.0.0.0/0'], true],
  ['::1', ['0.0.0.0/0'], false],
  ['::1', ['::/0'], true],
  ['10.0.0.1', ['::/0'], false],
  ['2001:db8::1', ['2001:DB8::/32'], true],
  ['2001:0db8:0:0:0:0:0:1', ['2001:db8::1'], true],
  ['2001:db9::1', ['2001:db8::/32'], false],
  ['::ffff:10.1.2.3', ['10.0.0.0/8'], true],
  ['::ffff:a01:203', ['10.0.0.0/8'], true],
  ['10.1.2.3', ['::ffff:10.0.0.0/104'], true],
  ['::ffff:10.1.2.3', ['::/0'], false],
  ['', ['0.0.0.0/0', '::/0'], false],
  ['unknown', ['0.0.0.0/0', '::/0'], false],
  ['10.0.0.010', ['10.0.0.0/8'], false],
  ['fe80::1%eth0', ['fe80::/10'], false],
  ['10.0.0.1:80', ['10.0.0.0/8'], false],
])('%s in %j: %s', (address, list, expected) => {
  expect(isWithin(ranges(...list), address)).toBe(expected);
});

it.each([
  '10.0.0.1/8',
  '10.0.0.0/33',
  '10.0.0.0/',
  '10.0.0.0/08',
  '10/8',
  '::/129',
  '::ffff:10.0.0.0/90',
  'example.com',
  '1:2:3:4:5:6:7:8::',
  '1::2::3',
  '1:2:3:4:5:6:7',
  '12345::',
])('%s is no range', (text) => {
  expect(readRange(text)).toBeNull();
});

it('takes for an address what Node takes for one, but for zones', async () => {
  await assertForSeeds(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.stringMatching(/^[0-9a-f:.]{1,24}$/)), (text) => {
      expect(readAddress(text) !== null).toBe(isIP(text) !== 0);
    }),
  );
});

it('finds in a range what Node finds there', async () => {
  const v4 = fc.ipV4();
  await assertForSeeds(
    fc.property(v4, v4, fc.integer({ min: 0, max: 32 }), (address, network, prefix) => {
      const list = new BlockList();
      list.addSubnet(network, prefix, 'ipv4');
      const first = (readAddress(network)!.bits >> BigInt(32 - prefix)) << BigInt(32 - prefix);
      const range = { width: 32, first, free: BigInt(32 - prefix) } as const;
      expect(isWithin([range], address)).toBe(list.check(address, 'ipv4'));
    }),
  );
});

it.each([
  [['10.0.0.0/8'], ['10.1.0.0/16', '10.0.0.1'], true],
  [['10.0.0.0/8'], ['10.0.0.0/8'], true],
  [['10.0.0.0/16'], ['10.0.0.0/8'], false],
  [['10.0.0.0/8'], ['10.0.0.1', '11.0.0.1'], false],
  [['0.0.0.0/0'], ['::1'], false],
  [['::/0'], ['10.0.0.1'], false],
  [['2001:db8::/32'], ['2001:db8:7::/48'], true],
  [['10.0.0.0/8'], ['::ffff:10.1.2.3'], true],
  [['10.0.0.0/9', '10.128.0.0/9'], ['10.0.0.0/8'], false],
  [['10.0.0.0/8'], [], true],
  [[], ['10.0.0.1'], false],
])('%j covers %j: %s', (outer, inner, expected) => {
  expect(coversRanges(ranges(...outer), ranges(...inner))).toBe(expected);
});
