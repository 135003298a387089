/**
 * Every finding of `scopegate lint`, by its code: how bad it is, why it is one, and what to do. docs/lint.md and the rules of
 * SARIF are made from this table. Looks for none of them.
 */

import type { SarifRule } from '../sarif.ts';

/** `note`: worth a look, and no reason for a failed build. */
export type Severity = SarifRule['severity'];

export const LINT_RULES = {
  SG100: {
    severity: 'warning',
    title: 'a scopegate-ignore that silences nothing, or gives no reason',
    why: 'Whoever reads the file believes that something was looked at and found right. What silences nothing was true once; what has no reason cannot be judged by anybody else.',
    fix: 'Remove it, or write it as `# scopegate-ignore SG104: the reason`.',
  },
  SG101: {
    severity: 'warning',
    title: 'an operation of the OpenAPI document without a route',
    why: 'Clients are told of it, and their requests are refused.',
    fix: 'Add a route (`scopegate init --openapi FILE --merge`), or take the operation out of the document.',
  },
  SG102: {
    severity: 'warning',
    title: 'a route that takes no operation of the OpenAPI document',
    why: 'It lets requests through to something that nobody wrote down: an operation that is gone, a slip in its path, or what is not meant for clients.',
    fix: 'Remove it, correct its path or its methods, or write the operation down.',
  },
  SG103: {
    severity: 'error',
    title: 'a route that asks for something else than the OpenAPI document says',
    why: "Where it asks for less, the document's promise of who may do this is broken; where it asks for more, clients that follow the document are refused. Scopes of a route are no difference where the document names none.",
    fix: 'Make `require` say what `security` says, or the other way round.',
  },
  SG104: {
    severity: 'warning',
    title: 'a method that writes, guarded by a scope that reads',
    why: 'A token that was given `…:read` is handed to programs that are to look and not to touch. A route that takes POST, PUT, PATCH or DELETE, or names no methods and so takes all, lets it write.',
    fix: 'Ask for the `…:write` scope, or name the methods that read. Where the API reads by POST, say so behind the code.',
  },
  SG105: {
    severity: 'warning',
    title: 'a route without scopes',
    why: 'Any valid token opens it, whatever it was made for.',
    fix: 'Name `require.scopes` or `require.anyOf`.',
  },
  SG106: {
    severity: 'warning',
    title: 'a public route that takes a method that writes',
    why: 'Nobody has to be known to change something. Mostly `public` was meant for the GET of the same path.',
    fix: 'Name the methods that are public in `match.methods`, and give the others a route with `require`.',
  },
  SG107: {
    severity: 'note',
    title: 'a scope that no route asks for',
    why: 'People give it to tokens and believe that it opens something, or that leaving it out closes something.',
    fix: 'Ask for it in a route, or take it out of the policy.',
  },
  SG108: {
    severity: 'warning',
    title: 'a route that no role of the policy can open',
    why: 'No organization role has the scopes that the route asks for, so it stays shut for every member who has the scopes of a role. It looks like an outage of one path.',
    fix: 'Give the scopes to a role of the policy, or correct the route. Where members or service accounts get the scopes by name, say so behind the code.',
  },
  SG109: {
    severity: 'error',
    title: 'a wider route that takes an operation of the OpenAPI document and asks for something else',
    why: 'The operation has no route of its own; one such as `/orders/**` or `/orders/{order}` takes its requests and judges them by its own scopes.',
    fix: 'Give the operation a route of its own: the more specific path wins, wherever it stands.',
  },
  SG110: {
    severity: 'warning',
    title: 'a workspace from a header or the query, while the path names one',
    why: 'The API mostly believes the path. A caller who may enter one workspace names that one in the header and another one in the path.',
    fix: 'Write `from: path.NAME`, or a list that holds both places: they must agree then.',
  },
  SG111: {
    severity: 'warning',
    title: 'a path that names a workspace, and a route that asks for none',
    why: 'Other routes take the workspace from this place of the path. Without `require.workspace` no role and no grant is checked: a token for one workspace opens all of them.',
    fix: 'Add `require.workspace` with `from: path.NAME` and a role.',
  },
  SG112: {
    severity: 'warning',
    title: 'a limit that no route counts for',
    why: 'It limits nothing, and whoever reads the file believes that it does.',
    fix: "Name it in a route's `limits`, or set `everywhere: true`, or remove it.",
  },
  SG113: {
    severity: 'warning',
    title: 'two paths that differ in the spelling of a word alone',
    why: 'One is mostly a slip: requests in the other spelling get 404, or are judged by a route that is older and asks for less.',
    fix: 'Spell both as the API does. Lax APIs are told by `routing.caseSensitive` and `routing.ignoreTrailingSlash`.',
  },
  SG114: {
    severity: 'note',
    title: 'a route that the policy tests leave out',
    why: 'Other routes of this gateway have tests. What nobody tries both ways, nobody notices when it changes.',
    fix: 'Add a request that it lets through and one that it refuses to the file of tests; `scopegate test --mutate` says what is still not noticed. Of a public route one that it lets through is enough.',
  },
} as const satisfies Readonly<Record<string, SarifRule>>;

export type LintCode = keyof typeof LINT_RULES;

export function isLintCode(text: string): text is LintCode {
  return Object.hasOwn(LINT_RULES, text);
}
