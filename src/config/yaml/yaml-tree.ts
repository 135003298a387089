/**
 * Turns a parsed YAML document into plain data: variables expanded, aliases followed, dangerous and repeated keys refused.
 * Never follows aliases without a bound, and never builds an object that has a prototype.
 */
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Scalar,
  visit,
  type YAMLMap,
} from 'yaml';
import { Bug } from '../../errors.ts';
import { type Env, expandVariables, type SecretFiles, typePlain } from './expand.ts';

/** Keys and list indexes from the root down to a value. */
export type Path = readonly (string | number)[];

/** A scalar that came out of the environment, or out of a file of its own. Which of the two a setting means is for its schema to say. */
export interface Expansion {
  /** As written in the file: messages show this, because the environment may hold secrets. */
  readonly source: string;
  /** As a string. */
  readonly text: string;
  /** As YAML types an unquoted scalar: a number, boolean, null or the string. */
  readonly typed: unknown;
}

export interface Tree {
  /** Strings, numbers, booleans, null, arrays and objects without prototype; `undefined` where a fault was found. */
  readonly data: unknown;
  readonly faults: readonly { readonly offset: number; readonly message: string }[];
  /** By `pathKey`. */
  readonly expansions: ReadonlyMap<string, Expansion>;
  /** The node an alias stands for. */
  readonly targets: ReadonlyMap<Alias, Node>;
}

/** A few shared blocks need dozens of values; a billion laughs needs a billion. */
const ALIASED_VALUES_MAX = 10_000;
const DEPTH_MAX = 100;
/** Each reaches the prototype chain when some later code copies keys carelessly. */
const REFUSED_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/** A path as a map key. */
export function pathKey(path: Path): string {
  return JSON.stringify(path);
}

/** A pair's key as text, exactly as `Tree.data` spells it. */
export function keyText(key: unknown): string {
  return isScalar(key) ? String(key.value ?? '') : '';
}

/** Reads a document without syntax errors. Faults are returned, never thrown. */
export function readTree(document: Document<Node>, env: Env, secrets: SecretFiles | null = null): Tree {
  return new TreeReader(env, secrets, document).tree();
}

class TreeReader {
  readonly #env: Env;
  readonly #secrets: SecretFiles | null;
  readonly #document: Document<Node>;
  readonly #faults: { offset: number; message: string }[] = [];
  readonly #expansions = new Map<string, Expansion>();
  readonly #targets = new Map<Alias, Node>();
  /** Collections being read right now: meeting one again means an alias stands inside what it names. */
  readonly #open = new Set<Node>();
  #aliasDepth = 0;
  #aliasedValues = 0;

  constructor(env: Env, secrets: SecretFiles | null, document: Document<Node>) {
    this.#env = env;
    this.#secrets = secrets;
    this.#document = document;
  }

  tree(): Tree {
    this.#findTargets();
    const data = this.#value(this.#document.contents, []);
    return { data, faults: this.#faults, expansions: this.#expansions, targets: this.#targets };
  }

  /** An alias means the last anchor of that name before it, so this goes once through the document in its order. */
  #findTargets(): void {
    const anchors = new Map<string, Node>();
    visit(this.#document, {
      Node: (_key, node) => {
        if (isAlias(node)) {
          const target = anchors.get(node.source);
          if (target !== undefined) this.#targets.set(node, target);
        } else if (node.anchor !== undefined) {
          anchors.set(node.anchor, node as Node);
        }
      },
    });
  }

  #value(node: Node | null | undefined, path: Path): unknown {
    if (node === null || node === undefined) return null;
    if (this.#aliasDepth > 0) this.#aliasedValues += 1;
    if (isAlias(node)) return this.#alias(node, path);
    if (isScalar(node)) return this.#scalar(node, path);
    if (!isMap(node) && !isSeq(node)) throw new Bug('a YAML node of unknown kind');
    if (path.length > DEPTH_MAX) return this.#fault(node, 'nested too deeply');
    this.#open.add(node);
    const value = isMap(node)
      ? this.#mapping(node, path)
      : node.items.map((item, index) => this.#value(item as Node, [...path, index]));
    this.#open.delete(node);
    return value;
  }

  #alias(node: Alias, path: Path): unknown {
    const target = this.#targets.get(node);
    if (target === undefined) return this.#fault(node, `no anchor &${node.source} stands before this alias`);
    if (this.#open.has(target)) return this.#fault(node, `the alias *${node.source} stands inside what it names`);
    if (this.#aliasedValues > ALIASED_VALUES_MAX) {
      return this.#fault(node, `aliases in this file stand for more than ${ALIASED_VALUES_MAX} values`);
    }
    this.#aliasDepth += 1;
    const value = this.#value(target, path);
    this.#aliasDepth -= 1;
    return value;
  }

  #mapping(node: YAMLMap, path: Path): unknown {
    const object: Record<string, unknown> = Object.create(null);
    for (const { key, value } of node.items) {
      const name = keyText(key);
      const keyNode = key as Node;
      if (REFUSED_KEYS.has(name)) this.#fault(keyNode, `the key "${name}" is not allowed`);
      else if (name === '<<') this.#fault(keyNode, 'merge keys ("<<") are not supported');
      else if (Object.hasOwn(object, name)) this.#fault(keyNode, `duplicate key ${JSON.stringify(name)}`);
      else object[name] = this.#value(value as Node | null, [...path, name]);
    }
    return object;
  }

  #scalar(node: Scalar, path: Path): unknown {
    if (typeof node.value !== 'string' || !node.value.includes('${')) return node.value;
    const expanded = expandVariables(node.value, this.#env, this.#secrets?.mayStandAt(path) ? this.#secrets : null);
    for (const fault of expanded.faults) this.#fault(node, fault);
    if (expanded.faults.length > 0) return undefined;
    if (!expanded.used) return expanded.text;
    const typed = typePlain(expanded.text);
    this.#expansions.set(pathKey(path), { source: node.value, text: expanded.text, typed });
    return node.type === 'PLAIN' && node.tag === undefined ? typed : expanded.text;
  }

  /** Notes a fault and gives the hole that stands for a value nobody could read. */
  #fault(node: Node, message: string): undefined {
    this.#faults.push({ offset: node.range?.[0] ?? 0, message });
    return undefined;
  }
}
