/** Whose page a browser sent a request for: what it remembered of a password must not work for others (contract 8.1). */
import { describe, expect, it } from 'vitest';
import { isForeignPage } from '../../src/core/request-origin.ts';

const plain = { host: 'api.test:8080', encrypted: false, publicOrigin: 'https://public.test', cors: null };
const tls = { host: 'api.test', encrypted: true, publicOrigin: null, cors: null };

describe('a request of nobody, or of our own page, is not foreign', () => {
  it.each([
    [plain, []],
    [plain, ['Sec-Fetch-Site', 'none']],
    [plain, ['Sec-Fetch-Site', 'same-origin']],
    [plain, ['Origin', 'http://api.test:8080']],
    [plain, ['origin', 'HTTP://API.test:8080']],
    [plain, ['Origin', 'https://public.test']],
    // In front of us somebody may speak TLS.
    [plain, ['Origin', 'https://api.test:8080']],
    [tls, ['Origin', 'https://api.test']],
    [tls, ['Origin', 'https://api.test:443']],
  ])('%#', (check, headers) => {
    expect(isForeignPage(headers, check)).toBe(false);
  });
});

describe('every other is', () => {
  it.each([
    [plain, ['Sec-Fetch-Site', 'cross-site']],
    [plain, ['Sec-Fetch-Site', 'none', 'sec-fetch-site', 'Cross-Site']],
    [plain, ['Origin', 'http://api.test']],
    [plain, ['Origin', 'http://evil.test']],
    [plain, ['Origin', 'http://api.test:8080.evil.test']],
    [plain, ['Origin', 'http://api.test:8080/']],
    [plain, ['Origin', 'null']],
    [plain, ['Origin', '']],
    [plain, ['Origin', 'ftp://api.test:8080']],
    [plain, ['Origin', 'http://api.test:8080', 'Origin', 'http://api.test:8080']],
    [plain, ['Origin', 'http://public.test']],
    [tls, ['Origin', 'http://api.test']],
    [tls, ['Origin', 'https://api.test:80']],
  ])('%#', (check, headers) => {
    expect(isForeignPage(headers, check)).toBe(true);
  });
});
