/**
 * Looks through a configuration that `check` finds good for what is legal and surely not meant. Changes nothing and asks
 * nobody: what it says, the files say.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { checkGateway, type Found } from '../config/load/check-gateway.ts';
import type { Env } from '../config/yaml/expand.ts';
import { readApiDocument } from '../openapi/document.ts';
import { LINT_RULES } from './codes.ts';
import { remarksOnDocument } from './document-checks.ts';
import type { LintFinding, Remark, Subject } from './finding.ts';
import { applyIgnores } from './ignores.ts';
import { remarksOnPaths } from './path-checks.ts';
import { remarksOnLimits, remarksOnScopes } from './policy-checks.ts';
import { remarksOnRoutes } from './route-checks.ts';
import { remarksOnTests } from './test-checks.ts';

export interface Linted extends LintResult {
  readonly found: Found;
}

export interface LintResult {
  /** In the order of files, lines and columns; of files, gateway.yaml first. */
  readonly findings: readonly LintFinding[];
  readonly silenced: ReadonlyArray<LintFinding & { readonly reason: string }>;
}

/** `openapi`: an OpenAPI document to hold the routes against. Throws ConfigError for a configuration that `check` finds wrong. */
export function lintGateway(path: string, env: Env, openapi?: string, embedded = false): Linted {
  const texts = new Map<string, string>();
  const found = checkGateway(path, env, {
    embedded,
    readFile: (name) => {
      const content = readFileSync(name);
      texts.set(name === resolve(path) ? path : name, content.toString());
      return content;
    },
  });
  const subject: Subject = { found };
  const remarks = [remarksOnRoutes, remarksOnPaths, remarksOnScopes, remarksOnLimits].flatMap((look) => look(subject));
  remarks.push(...remarksOnTests(subject, readdirSync(dirname(resolve(path))), env));
  const document = openapi === undefined ? null : readApiDocument(openapi, readFileSync);
  if (document !== null) {
    texts.set(document.name, document.text);
    remarks.push(...remarksOnDocument(subject, document));
  }
  const { remarks: left, silenced } = applyIgnores(
    remarks,
    texts,
    (code) => document !== null || !OF_DOCUMENT.has(code),
  );
  const order = [...texts.keys()];
  return {
    found,
    findings: left.map(toFinding).sort((a, b) => compare(order, a, b)),
    silenced: silenced.map(({ remark, reason }) => ({ ...toFinding(remark), reason })),
  };
}

/** They are looked for with a document alone. */
const OF_DOCUMENT = new Set(['SG101', 'SG102', 'SG103', 'SG109']);

function toFinding(remark: Remark): LintFinding {
  return { ...remark, severity: LINT_RULES[remark.code].severity };
}

function compare(order: readonly string[], { at: a }: Remark, { at: b }: Remark): number {
  return order.indexOf(a.file) - order.indexOf(b.file) || a.line - b.line || a.column - b.column;
}
