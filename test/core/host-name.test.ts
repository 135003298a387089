/** One name for one host, whatever its spelling; what could be read as another host is none (contract 8.1). */
import { describe, expect, it } from 'vitest';
import { readHostName, readHostPattern } from '../../src/core/host-name.ts';

describe('the Host of a request', () => {
  it.each([
    ['api.example.com', 'api.example.com'],
    ['API.Example.COM', 'api.example.com'],
    ['api.example.com:8443', 'api.example.com'],
    ['api.example.com.', 'api.example.com'],
    ['api.example.com.:80', 'api.example.com'],
    ['localhost', 'localhost'],
    ['a--b.xn--bcher-kva.example', 'a--b.xn--bcher-kva.example'],
    ['4chan.org', '4chan.org'],
    ['192.0.2.7', '192.0.2.7'],
    ['192.0.2.7:80', '192.0.2.7'],
  ])('%s is %s', (host, name) => {
    expect(readHostName(host)).toBe(name);
    // And again, now that it is remembered.
    expect(readHostName(host)).toBe(name);
  });

  it('IPv6 addresses are alike in every spelling, and never like the IPv4 address of the same number', () => {
    const name = readHostName('[2001:db8::1]');
    expect(name).not.toBeNull();
    expect(readHostName('[2001:DB8:0:0:0:0:0:1]:8080')).toBe(name);
    expect(readHostName('[2001:db8::2]')).not.toBe(name);
    expect(readHostName('[::1]')).not.toBe(readHostName('[::2]'));
  });

  it.each([
    '',
    '.',
    'a..b',
    '.a',
    'a.example..',
    'a_b.example',
    'a~b',
    'a b',
    'a/b',
    'a@b',
    'a,b',
    'bücher.example',
    'b\xfccher.example',
    '*.example.com',
    'a:b',
    'a:',
    'a:123456',
    'a:65536',
    '[::1]:70000',
    '1.2.3',
    '127.1',
    '010.0.0.1',
    '256.0.0.1',
    '1.2.3.4.5',
    '0x7f000001',
    '0x7f.1',
    'example.0x',
    'example.1',
    '[]',
    '[1.2.3.4]',
    '[::1',
    '::1',
    '[::1]x',
    '[fe80::1%25eth0]',
    '[1::2::3]',
    `${'a'.repeat(256)}`,
  ])('%j is none', (host) => {
    expect(readHostName(host)).toBeNull();
  });

  it('many names that are asked for once push none out that is asked for again', () => {
    for (let number = 0; number < 5000; number++) expect(readHostName(`h${number}.example`)).toBe(`h${number}.example`);
    expect(readHostName('H0.example:1')).toBe('h0.example');
  });
});

describe('a host of the configuration', () => {
  it('is written as requests name it, or with *. in front', () => {
    expect(readHostPattern('NPM.Example.com.')).toBe('npm.example.com');
    expect(readHostPattern('*.Example.com')).toBe('*.example.com');
    expect(readHostPattern('[::1]')).toBe(readHostName('[0:0::1]:80'));
  });

  it.each([
    '*',
    '*.',
    '*.*.example.com',
    'a.*.example.com',
    '*example.com',
    'example.com:443',
    '[::1]:80',
    '*.1.2.3.4',
    '*.[::1]',
    '*.4',
    'http://a',
  ])('%j is none', (text) => {
    expect(readHostPattern(text)).toBeNull();
  });
});
