/**
 * Changes at some places of a YAML file that leave every other byte as it is: comments, order, and the way it is written.
 * What is written in a way that this cannot be done for is written anew by the YAML package, which keeps comments and order.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Document, isCollection, isSeq, type Node, parse, parseDocument } from 'yaml';

export interface TextEdit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

export function withEdits(text: string, edits: readonly TextEdit[]): string {
  const inOrder = edits.toSorted((a, b) => b.from - a.from);
  return inOrder.reduce((changed, { from, to, text: put }) => changed.slice(0, from) + put + changed.slice(to), text);
}

/** The text of a value, as a place to be edited; null: there is none. */
export function placeOfValue(document: Document, path: readonly string[]): { from: number; to: number } | null {
  const node = document.getIn(path, true) as Node | undefined;
  return node?.range ? { from: node.range[0], to: node.range[1] } : null;
}

/** `items`: as text of a list in block style, each beginning with `- ` and comments before it, without indentation. */
export function withItems(text: string, key: string, items: readonly string[]): string {
  if (items.length === 0) return text;
  const before = parse(text) as Record<string, unknown> | null;
  const added = items.flatMap((item) => parse(item) as unknown[]);
  const wanted = { ...before, [key]: [...((before?.[key] as unknown[] | null | undefined) ?? []), ...added] };
  const line = text.includes('\r\n') ? '\r\n' : '\n';
  const grown = appended(text, key, items)?.replace(/\r?\n/g, line);
  if (grown !== undefined && isDeepStrictEqual(parse(grown), wanted)) return grown;
  const document = parseDocument(text);
  if (!isSeq(document.get(key, true))) document.set(key, document.createNode([]));
  const list = document.get(key, true);
  if (isCollection(list)) list.flow = false;
  for (const item of added) document.addIn([key], document.createNode(item));
  return document.toString({ lineWidth: 0 });
}

/** undefined: the list is not there, or not in block style. */
function appended(text: string, key: string, items: readonly string[]): string | undefined {
  const document = parseDocument(text);
  if (!document.has(key))
    return `${text.trimEnd()}\n\n${key}:\n${items.map((item) => indented(item, '  ')).join('\n')}`;
  const list = document.get(key, true);
  const last = isSeq(list) && list.flow !== true ? (list.items.at(-1) as Node | undefined) : undefined;
  if (last?.range == null) return undefined;
  const dash = text.lastIndexOf('-', last.range[0] - 1);
  const indent = text.slice(text.lastIndexOf('\n', dash) + 1, dash);
  const end = text.slice(0, last.range[1]).trimEnd().length;
  const lineEnd = text.indexOf('\n', end);
  const at = lineEnd === -1 ? text.length : lineEnd + 1;
  const isSpaced = /\n[ \t]*\r?\n[ \t]*(?:#.*\n[ \t]*)*-/.test(text.slice((list as Node).range![0], end));
  const gap = isSpaced ? '\n' : '';
  const put = items.map((item) => gap + indented(item, indent)).join('');
  return text.slice(0, at) + (lineEnd === -1 ? '\n' : '') + put + text.slice(at);
}

function indented(text: string, indent: string): string {
  return text.replace(/^(?=.)/gm, indent);
}
