/**
 * Where the operations stand in the text of an OpenAPI document in JSON. It goes over the text once and builds nothing, so
 * that the largest documents cost a second. Judges nothing: the text was parsed before.
 */
import type { Position } from '../config/yaml/yaml-file.ts';

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:\n]/g;

/** As the document writes both; of the path itself: ''. */
export function positionKey(path: string, method: string): string {
  return `${method} ${path}`;
}

/** Of paths, and of the keys of each path item, by `positionKey`. */
export function jsonOperationPositions(text: string): Map<string, Position> {
  const positions = new Map<string, Position>();
  /** The key under which each open object or list stands. */
  const open: string[] = [];
  let key = '';
  let line = 1;
  let lineStart = 0;
  let last: { raw: string; position: Position } | null = null;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (token === '\n') {
      line++;
      lineStart = index + 1;
    } else if (token === ':' && last !== null) {
      // Deeper than a method nobody asks.
      key = open.length <= 3 ? (JSON.parse(last.raw) as string) : '';
      if (open.length === 2 && open[1] === 'paths') positions.set(positionKey(key, ''), last.position);
      if (open.length === 3 && open[1] === 'paths') positions.set(positionKey(open[2]!, key), last.position);
      last = null;
    } else if (token === '{' || token === '[') {
      open.push(key);
      key = '';
    } else if (token === '}' || token === ']') open.pop();
    else if (token !== ',') last = { raw: token, position: { line, column: index - lineStart + 1 } };
  }
  return positions;
}
