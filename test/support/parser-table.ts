/** The part of docs/conformance.md that says which names other parsers take for one another, and what becomes of each. */

export const PARSER_TABLE = `## Names that another parser reads as the same

Where a route takes its workspace or resource from the query, a parameter that one of these parsers would read as that name,
or as a part of what it names, is refused with 400 in any other spelling, wherever it stands. Our rule is wider than each: a name
counts as the same if it begins with the same letters and digits, in any case, whatever stands before, between or behind them,
save letters, digits, \`_\` and \`-\` that follow (\`workspace_ids\` and \`workspace_id_in\` are other names). Escapes are read one by
one, so that a broken one hides none of the others. A name within another (\`filter[workspace_id]\`) is another name.

| parser | what it folds or splits | example for \`workspace_id\` | run for real |
| --- | --- | --- | --- |
| PHP | \`.\`, a blank and an unclosed \`[\` are \`_\`; blanks in front go; NUL ends a name; \`[…]\` makes a list; the last one wins | \`workspace.id\`, \`workspace+id\`, \`workspace[id\`, \`workspace_id%00x\` | [php-cgi](../test/conformance/target/other-parsers.test.ts) |
| Rails (Rack) | brackets in front go, \`]\` behind them, too; \`[…]\` nests; older ones also split at \`;\`; the last one wins | \`[workspace_id]\`, \`]workspace_id\`, \`a;workspace_id\` | |
| Express with qs | \`[name]\` is \`name\`; \`[…]\` nests; \`allowDots\` takes \`.\` for it; one that comes twice is a list | \`[workspace_id]\`, \`workspace_id[0]\`, \`workspace_id.x\` | [express](../test/conformance/target/other-parsers.test.ts) |
| Spring (Servlet) | \`_\` or \`!\` in front mark a default; binding takes \`.\` and \`[…]\` for parts of an object; the first one wins | \`!workspace_id\`, \`workspace_id.x\` | |
| ASP.NET | any case; \`%u0061\` is a letter and full-width letters may become plain ones (before Core); several are joined by commas | \`Workspace_Id\`, \`%u0077orkspace_id\` | |
| Django, WSGI | older ones also split at \`;\`; a broken escape stays as it is; the last one wins | \`a;workspace_id\`, \`workspace_id%\` | [python3](../test/conformance/target/other-parsers.test.ts) |
| Go | a pair with \`;\` or a broken escape is dropped, older ones split at \`;\`; the first one wins | \`a;workspace_id\` | |

Header names reach CGI and its descendants (PHP, WSGI, Rack, FastCGI) as variables in which every character but a letter or a
digit is \`_\` (RFC 3875 section 4.1.18), and .NET, nginx and IIS treat some of them so, too. So \`X!Scopegate!Subject\`, \`X_Real.IP\` and
\`Transfer+Encoding\` are dropped like the names that they become, on every route; at the decision listener, where another proxy
sends on, those that forge an identity are refused; and one that becomes the selector's name is 400.
`;
