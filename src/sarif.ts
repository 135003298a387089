/** SARIF 2.1.0, which code scanners read: findings at places in files, by the rules that they break. Finds nothing. */
import { pathToFileURL } from 'node:url';
import type { Problem } from './errors.ts';
import { shortName } from './problem-notes.ts';

export interface SarifRule {
  readonly severity: 'error' | 'warning' | 'note';
  /** A noun, without a full stop. */
  readonly title: string;
  readonly why: string;
  readonly fix: string;
}

export interface SarifFinding extends Problem {
  /** The name of its rule. */
  readonly rule: string;
  /** By which it is known again, wherever it has moved to. */
  readonly fingerprints?: Readonly<Record<string, string>>;
  /** Somebody has looked at it and given this reason. */
  readonly ignored?: string;
}

/** `rules`: all that there are, whether they were broken or not. */
export function sarifText(
  version: string,
  rules: Readonly<Record<string, SarifRule>>,
  findings: readonly SarifFinding[],
): string {
  const names = Object.keys(rules);
  const driver = { name: 'scopegate', version, rules: names.map((name) => ruleOf(name, rules[name]!)) };
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver },
        columnKind: 'utf16CodeUnits',
        results: findings.map((finding) => ({
          ruleId: finding.rule,
          ruleIndex: names.indexOf(finding.rule),
          level: rules[finding.rule]!.severity,
          ...resultOf(finding),
        })),
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

function ruleOf(id: string, { severity, title, why, fix }: SarifRule) {
  return {
    id,
    shortDescription: { text: title },
    fullDescription: { text: why },
    help: { text: fix },
    defaultConfiguration: { level: severity },
  };
}

function resultOf({ file, line, column, message, fingerprints, ignored }: SarifFinding) {
  const name = shortName(file);
  const uri = name.startsWith('/') ? pathToFileURL(name).href : encodeURI(name);
  return {
    message: { text: message },
    locations: [{ physicalLocation: { artifactLocation: { uri }, region: { startLine: line, startColumn: column } } }],
    ...(fingerprints === undefined ? {} : { partialFingerprints: fingerprints }),
    ...(ignored === undefined ? {} : { suppressions: [{ kind: 'inSource', justification: ignored }] }),
  };
}
