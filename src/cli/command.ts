/**
 * What a command is: its words, what it takes, and what is said of it. Parsing, `--help`, completion and docs/cli.md are
 * all made from these rows, so that none of them can tell of an option that another does not know. Runs nothing.
 */
import type { Env } from '../config/yaml/expand.ts';

export interface Option {
  /** What stands behind it, as `--help` writes it: `FILE`. Absent: it takes nothing. */
  readonly value?: string;
  readonly short?: string;
  /** It may be given more than once. */
  readonly many?: true;
  readonly default?: string;
  /** Everything that may stand behind it. */
  readonly choices?: readonly string[];
  readonly about: string;
}

export type Options = Readonly<Record<string, Option>>;

/** What a command gets of its options. */
export type Values<O extends Options> = {
  readonly [Name in keyof O]: O[Name] extends { readonly value: string }
    ? O[Name] extends { readonly many: true }
      ? readonly string[]
      : O[Name] extends { readonly default: string }
        ? string
        : string | undefined
    : boolean;
};

export interface Invocation<V> {
  readonly values: V;
  readonly args: readonly string[];
  readonly env: Env;
  /** The whole table, for what is made from it. */
  readonly commands: readonly Command[];
}

export type Run<V> = (call: Invocation<V>) => Promise<void>;

export interface Argument {
  readonly name: string;
  readonly optional?: true;
  /** Of the last one: it may be given more than once. */
  readonly many?: true;
}

interface About {
  /** `token create`: the words that name it. */
  readonly words: string;
  readonly args?: readonly Argument[];
  /** One line, without a full stop. */
  readonly summary: string;
  /** Paragraphs before the options. */
  readonly about?: string;
  /** Paragraphs behind the options. */
  readonly more?: string;
  /** A line that works. A test runs it, and docs/cli.md shows what it prints. */
  readonly example?: string;
  /** Not for people. */
  readonly hidden?: true;
}

export interface Command extends About {
  readonly options: Options;
  /** What it runs is read only now: reading all of them takes longer than most of them run. */
  readonly load: () => Promise<Run<never>>;
}

/** The compiler holds `load` to the options beside it. */
export function command<const O extends Options>(
  row: About & { readonly options: O; readonly load: () => Promise<Run<Values<O>>> },
): Command {
  return row;
}

/** Which running gateway, and who asks it. */
export const SIDECAR_OPTIONS = {
  config: { value: 'FILE', short: 'c', about: 'the configuration of the gateway; default ./gateway.yaml' },
  url: {
    value: 'URL',
    about: 'the address of its sidecar instead, such as http://127.0.0.1:8081; default SCOPEGATE_ADMIN_URL',
  },
  'key-file': {
    value: 'FILE',
    about: 'the admin key (-: standard input); default SCOPEGATE_ADMIN_KEY, else the one that serve made',
  },
  'ca-file': {
    value: 'FILE',
    about: 'who vouches for an https URL, PEM; default the system and NODE_EXTRA_CA_CERTS',
  },
} as const satisfies Options;

/** The same, on behalf of a member where that is asked for. */
export const ACTING_OPTIONS = {
  ...SIDECAR_OPTIONS,
  as: { value: 'MEMBER', about: 'act as this member, with what they may do' },
} as const satisfies Options;

export const JSON_OPTION = {
  json: { about: 'one JSON document instead of lines' },
} as const satisfies Options;

const ORGANIZATION_OPTION = {
  organization: {
    value: 'ORG',
    short: 'o',
    about: 'default SCOPEGATE_ORGANIZATION, else the only one that there is',
  },
} as const satisfies Options;

export const LIST_OPTIONS = {
  limit: { value: 'N', default: '100', about: 'show this many at most; 0: all (default 100)' },
  ...JSON_OPTION,
  jsonl: { about: 'one JSON document a line, for each of them' },
} as const satisfies Options;

const WAIT_OPTION = {
  wait: {
    value: 'TIME',
    default: '2s',
    about: 'how long to wait until every gateway process has applied it; 0: not at all (default 2s)',
  },
} as const satisfies Options;

/** Of a command that shows one thing, changes something, or shows many. */
export const READ_OPTIONS = { ...ORGANIZATION_OPTION, ...JSON_OPTION, ...ACTING_OPTIONS } as const;
export const CHANGE_OPTIONS = { ...ORGANIZATION_OPTION, ...WAIT_OPTION, ...JSON_OPTION, ...ACTING_OPTIONS } as const;
export const MANY_OPTIONS = { ...ORGANIZATION_OPTION, ...LIST_OPTIONS, ...ACTING_OPTIONS } as const;
