/**
 * Reads a route's path template: literal segments, `{name}` for one segment, a final `/**` for the rest.
 * Knows nothing of other routes; overlaps are the route table's to find.
 */
import type { TemplateSegment } from './route.ts';
import { readTemplatePath } from './target.ts';

export type Template =
  | {
      readonly ok: true;
      readonly segments: readonly TemplateSegment[];
      readonly parameters: ReadonlyMap<string, number>;
    }
  | { readonly ok: false; readonly problem: string };

const PARAMETER = /^\{([A-Za-z_][A-Za-z0-9_]*)\}$/;

/** `parameters` maps each name to the index of its segment. A problem says what to mend, without naming the place. */
export function readTemplate(path: string): Template {
  if (!path.startsWith('/')) return no(`a path starts with "/", this one is ${JSON.stringify(path)}`);
  if (/[?#]/.test(path)) return no('a path has no query and no fragment; match on the path alone');
  const segments: TemplateSegment[] = [];
  const parameters = new Map<string, number>();
  const pieces = path.slice(1).split('/');
  for (const [index, piece] of pieces.entries()) {
    const last = index === pieces.length - 1;
    if (piece === '**') {
      if (!last) return no('"**" may only stand at the end, as "/**"');
      segments.push({ kind: 'rest' });
      continue;
    }
    const parameter = PARAMETER.exec(piece)?.[1];
    if (parameter !== undefined) {
      if (parameters.has(parameter)) return no(`the parameter {${parameter}} stands twice`);
      parameters.set(parameter, index);
      segments.push({ kind: 'parameter', name: parameter });
      continue;
    }
    if (/[{}*]/.test(piece)) {
      return no(
        `the segment ${JSON.stringify(piece)} is neither a literal nor exactly one {name}; "/**" stands only at the end`,
      );
    }
    if (piece === '' && !last) return no('"//" can never be matched: such requests are refused');
    const decoded = readTemplatePath(`/${piece}`);
    if (decoded === null || decoded.length !== 1) {
      return no(`the segment ${JSON.stringify(piece)} can never be matched: requests with it are refused`);
    }
    segments.push({ kind: 'literal', text: decoded[0]! });
  }
  return { ok: true, segments, parameters };
}

function no(problem: string): Template {
  return { ok: false, problem };
}
