/** Tokens that were left in files, as code scanners read them. Holds the hash of a token, never the token. */

import { version } from '../../package-files.ts';
import { type SarifFinding, type SarifRule, sarifText } from '../../sarif.ts';
import type { FoundToken } from './found-token.ts';

const SCAN_RULES = {
  'live-token': {
    severity: 'error',
    title: 'a token that works',
    why: 'Whoever reads the file may do all that the token may.',
    fix: 'End it (`scopegate token revoke ID`), give whoever needs it a new one, and keep that one out of files.',
  },
  'ended-token': {
    severity: 'note',
    title: 'a token that has ended, or was switched off',
    why: 'It opens nothing now. What was switched off can be switched on again.',
    fix: 'Take it out of the file.',
  },
  'unknown-token': {
    severity: 'warning',
    title: 'a token that nobody here knows, or was not asked about',
    why: 'By its form and checksum it is a token of a scopegate: of another one, deleted or replaced here, or a client secret, which is not found by its hash.',
    fix: 'Find out whose it is, end it there, and take it out of the file.',
  },
} as const satisfies Readonly<Record<string, SarifRule>>;

export function scanSarif(findings: readonly FoundToken[]): string {
  return sarifText(version(), SCAN_RULES, findings.map(sarifOf));
}

function sarifOf({ file, line, column, sha256, token }: FoundToken): SarifFinding {
  const place = { file, line, column, fingerprints: { 'tokenSha256/v1': sha256 } };
  if (token === null) return { ...place, rule: 'unknown-token', message: 'A token of a scopegate, not known here.' };
  const { id, name, organizationId, ownerId, state } = token;
  const whose = ownerId === null ? '' : ` of ${ownerId}`;
  const message = `The token ${id} (${name})${whose} in ${organizationId} is ${state}.`;
  return { ...place, rule: state === 'active' ? 'live-token' : 'ended-token', message };
}
