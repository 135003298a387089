import { expect, test } from 'vitest';
import { clientAddress } from '../../src/edge/client-address.ts';
import { AuthFailureThrottle, sourceOf } from '../../src/edge/throttles/auth-failure-throttle.ts';

test('failures are counted within a window, and the answer says when it ends', () => {
  let nowMs = 0;
  const throttle = new AuthFailureThrottle(
    () => ({ failuresMax: 2, windowMs: 10_000 }),
    () => nowMs,
  );
  expect([throttle.failed('192.0.2.1'), throttle.failed('192.0.2.1')]).toEqual([null, null]);
  nowMs = 7500;
  expect(throttle.failed('192.0.2.1')).toBe(3);
  expect(throttle.failed('192.0.2.2'), 'another address').toBeNull();
  nowMs = 10_000;
  expect(throttle.failed('192.0.2.1')).toBeNull();
});

test('0 counts nothing', () => {
  const throttle = new AuthFailureThrottle(
    () => ({ failuresMax: 0, windowMs: 1000 }),
    () => 0,
  );
  expect([1, 2, 3].map(() => throttle.failed('192.0.2.1'))).toEqual([null, null, null]);
});

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0DB8:0001:2::1', '2001:db8:1:2::/64'],
  ['2001:db8::5:6', '2001:db8:0:0::/64'],
  ['2001:db8::1:2:192.0.2.1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['::', '0:0:0:0::/64'],
  ['1::', '1:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
])('%s is counted as %s', (address, source) => expect(sourceOf(address)).toBe(source));

const proxies = (address: string) => /^(?:10\.|::ffff:10\.|fd00::)/.test(address);

test.each([
  ['nobody is believed', '192.0.2.9', ['1.1.1.1'], '192.0.2.9'],
  ['a proxy is', '10.0.0.1', ['1.1.1.1'], '1.1.1.1'],
  ['the rightmost that no proxy vouches for', '10.0.0.1', ['6.6.6.6, 1.1.1.1, 10.0.0.2'], '1.1.1.1'],
  ['over several lines', '10.0.0.1', ['6.6.6.6', '1.1.1.1', '10.0.0.3,10.0.0.2'], '1.1.1.1'],
  ['a chain of proxies only', '10.0.0.1', ['10.0.0.3, 10.0.0.2'], '10.0.0.3'],
  ['without the header', '10.0.0.1', [], '10.0.0.1'],
  ['what is no address is not followed', '10.0.0.1', ['1.1.1.1, unknown'], '10.0.0.1'],
  ['nor is what is very long', '10.0.0.1', [`${'x'.repeat(10_000)}, 10.0.0.2`], '10.0.0.2'],
  ['nor is a zone', '10.0.0.1', ['fe80::1%eth0'], '10.0.0.1'],
  ['with a port', '10.0.0.1', ['1.1.1.1:4711'], '1.1.1.1'],
  ['in brackets', '10.0.0.1', ['[2001:db8::1]:4711'], '2001:db8::1'],
  ['mapped into IPv6', '::ffff:10.0.0.1', ['2001:db8::1'], '2001:db8::1'],
])('whose request it is: %s', (_, peer, forwardedFor, address) => {
  const headers = forwardedFor.flatMap((value, nth) => [nth % 2 === 0 ? 'X-Forwarded-For' : 'x-forwarded-for', value]);
  expect(clientAddress(headers, peer, proxies)).toBe(address);
});
