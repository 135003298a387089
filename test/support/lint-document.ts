/** docs/lint.md: every finding of the table of codes, with its example, which a test finds and does not find. */
import { LINT_RULES, type LintCode } from '../../src/lint/codes.ts';
import { LINT_EXAMPLES, type LintExample } from '../lint/examples.ts';

const INTRODUCTION = `# Lint

\`scopegate check\` says what is wrong with a configuration; \`scopegate lint\` says what is legal in it and surely not meant. It
looks through gateway.yaml, the files that it includes and its policy, and tells of each finding the code, the place, why it is
one and how to mend it. With \`--openapi FILE\` it holds the routes against an OpenAPI document, too ([what counts as the same
there](openapi.md)). It starts nothing and asks nobody.

\`\`\`
$ scopegate lint
gateway.yaml:41:20: warning SG104: the route "add-order" takes POST from tokens with orders:read
\`\`\`

Exit code 0: nothing was found, or notes alone; 2: an error or a warning was found (\`--exit-zero\`: 0 all the same); 1: the
configuration is wrong. \`--format json\`, \`sarif\` (for code scanners) and \`github\` (annotations of a workflow) say the same.

## Ignoring a finding

A finding that was looked at is silenced in the file where it stands, with a reason. Behind a value the comment is about its
line; on a line of its own it is about all of the item or key below it. The reason is required, and a comment that silences
nothing is a finding itself (SG100).

\`\`\`yaml
routes:
  # scopegate-ignore SG105: our own metrics, any token may see them
  - id: metrics
    match: { methods: [GET], path: /metrics }
    upstream: api
  - id: search
    match: { methods: [POST], path: /search }
    require: { scopes: ["content:read"] } # scopegate-ignore SG104: reads by POST
    upstream: api
\`\`\`

This page is made from the table of findings by \`npm run generate\`.

## Findings

| code | severity | finding |
| --- | --- | --- |
`;

export function lintDocument(): string {
  const codes = Object.keys(LINT_RULES) as LintCode[];
  const rows = codes.map(
    (code) => `| [${code}](#${code.toLowerCase()}) | ${LINT_RULES[code].severity} | ${LINT_RULES[code].title} |`,
  );
  return `${INTRODUCTION}${rows.join('\n')}\n\n${codes.map(section).join('\n')}`;
}

function section(code: LintCode): string {
  const { title, why, fix } = LINT_RULES[code];
  const { found, clean } = LINT_EXAMPLES[code];
  return `### ${code}\n\n**${title[0]!.toUpperCase()}${title.slice(1)}.** ${why} ${fix}\n\nFound:\n\n${blocks(found)}\nNot found:\n\n${blocks(clean)}`;
}

const SECTIONS: Readonly<Record<string, string>> = {
  routes: 'routes:',
  limits: 'limits:',
  scopes: 'scopes: # of the policy',
  roles: 'organizationRoles: # of the policy',
};

function blocks(example: LintExample): string {
  return Object.entries(example)
    .map(([name, text]) => {
      const head = SECTIONS[name];
      const lines = head === undefined ? `# ${name}\n${text}` : `${head}\n${text.replace(/^(?=.)/gm, '  ')}`;
      return `\`\`\`yaml\n${lines.trimEnd()}\n\`\`\`\n`;
    })
    .join('\n');
}
