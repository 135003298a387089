/** The form of this gateway's tokens, as other scanners want to be told of it. Made from the prefixes of the policy. */
import { CLIENT_SECRET_PREFIX } from '../../core/policy.ts';

export const SCANNERS = ['github', 'gitleaks', 'trufflehog'] as const;
type Scanner = (typeof SCANNERS)[number];

/** 43 random characters and 6 of a checksum, which no pattern can judge. */
const BODY = '[0-9A-Za-z]{49}';

/** `prefixes`: with their underscore, as a request may carry them. */
export function patternFile(scanner: Scanner, prefixes: readonly string[]): string {
  const names = [...new Set([...prefixes, CLIENT_SECRET_PREFIX])].sort();
  return PATTERNS[scanner](`(?:${names.join('|')})${BODY}`, names);
}

const PATTERNS: Readonly<Record<Scanner, (pattern: string, prefixes: readonly string[]) => string>> = {
  github: (pattern) => `# GitHub: Settings, Code security, Custom patterns, New pattern
# Secret format:
${pattern}
# Before secret:
\\A|[^0-9A-Za-z_]
# After secret:
\\z|[^0-9A-Za-z]
`,
  gitleaks: (pattern, prefixes) => `# gitleaks: append to .gitleaks.toml
[[rules]]
id = "scopegate-token"
description = "A token of a scopegate gateway"
regex = '''\\b(${pattern})\\b'''
secretGroup = 1
keywords = [${prefixes.map((prefix) => JSON.stringify(prefix)).join(', ')}]
`,
  trufflehog: (pattern, prefixes) => `# trufflehog: --config FILE
detectors:
  - name: scopegate-token
    keywords: [${prefixes.join(', ')}]
    regex:
      token: '\\b(${pattern})\\b'
`,
};
