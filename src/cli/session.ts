/** What the commands that manage have alike: which organization, pages of a list, and a change with its receipt. */
import type { Env } from '../config/yaml/expand.ts';
import { SidecarRefusal } from '../directory/sidecar.ts';
import { SetupError } from '../errors.ts';
import { type AdminClient, adminClient } from './admin-client.ts';
import { type GatewayOptionValues, namedGateway } from './named-gateway.ts';
import { durationMs } from './time-words.ts';

export interface ActingValues extends GatewayOptionValues {
  readonly as: string | undefined;
}

export interface OrganizationValues extends ActingValues {
  readonly organization: string | undefined;
}

export interface ChangeValues extends OrganizationValues {
  readonly wait: string;
  readonly json: boolean;
}

interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

export interface SidecarChange {
  readonly method: 'POST' | 'PATCH' | 'DELETE';
  /** Below the organization. */
  readonly path: readonly string[];
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** A change's answer, with how far it has got. */
export interface ChangeReceipt {
  /** Absent: nobody was asked to wait. */
  readonly applied?: boolean;
  readonly processes?: number | null;
  readonly laggards?: readonly string[];
  readonly lagMs?: number;
}

const PAGE = 500;
const WAIT_MAX_MS = 60_000;

export class Session {
  readonly client: AdminClient;
  readonly #organization: string | undefined;
  #only: Promise<string> | undefined;

  private constructor(client: AdminClient, organization: string | undefined) {
    this.client = client;
    this.#organization = organization;
  }

  /** Rejects with SetupError where no gateway is named, or there is no key. */
  static async open(values: ActingValues & { readonly organization?: string | undefined }, env: Env): Promise<Session> {
    const client = adminClient(await namedGateway(values, env), values.as ?? null);
    const { SCOPEGATE_ORGANIZATION: usual = '' } = env;
    return new Session(client, values.organization ?? (usual === '' ? undefined : usual));
  }

  /** What was given, else the only one that there is. */
  async organization(): Promise<string> {
    if (this.#organization !== undefined) return this.#organization;
    this.#only ??= this.#onlyOne();
    return this.#only;
  }

  async get<T>(path: readonly string[]): Promise<T> {
    return (await this.client.call({ method: 'GET', path: [await this.organization(), ...path] })) as T;
  }

  /** Every item of a list, in its order, page by page. `path` below the organization; null: the list of all there are. */
  async *all<T>(
    path: readonly string[] | null,
    query: Readonly<Record<string, string>> = {},
    collection: 'enterprises' | 'organizations' = 'organizations',
  ): AsyncGenerator<T> {
    const below = path === null ? [] : [await this.organization(), ...path];
    let cursor: string | null = null;
    do {
      const asked: Record<string, string> = { ...query, limit: String(PAGE), ...(cursor === null ? {} : { cursor }) };
      const page = (await this.client.call({
        method: 'GET',
        collection,
        path: below,
        query: asked,
      })) as unknown as Page<T>;
      yield* page.items;
      cursor = page.nextCursor;
    } while (cursor !== null);
  }

  /** `wait` as the option gives it. */
  async change<T>(change: SidecarChange, wait: string): Promise<T & ChangeReceipt> {
    const waitMs = durationMs(wait, '--wait');
    if (waitMs > WAIT_MAX_MS) throw new SetupError('--wait takes 60s at most');
    const path = [await this.organization(), ...change.path].map((part) => `/${encodeURIComponent(part)}`).join('');
    const query = { ...change.query, ...(waitMs === 0 ? {} : { wait: String(waitMs) }) };
    await this.client.identify();
    const interrupted = () => {
      process.stderr.write('\ninterrupted: the change may have been made\n');
      process.exit(130);
    };
    process.once('SIGINT', interrupted);
    try {
      const { method, body } = change;
      return (await this.client.send({ method, path: `/v1/organizations${path}`, query, body, waitMs })) as T &
        ChangeReceipt;
    } finally {
      process.off('SIGINT', interrupted);
    }
  }

  async #onlyOne(): Promise<string> {
    const found: string[] = [];
    try {
      for await (const { id } of this.all<{ readonly id: string }>(null)) {
        found.push(id);
        if (found.length > 1) break;
      }
    } catch (error) {
      // Only the operator may list them.
      if (!(error instanceof SidecarRefusal) || error.status !== 403) throw error;
      throw new SetupError('which organization? Name it with --organization ORG, or set SCOPEGATE_ORGANIZATION');
    }
    if (found.length === 1) return found[0]!;
    throw new SetupError(
      found.length === 0
        ? 'there is no organization yet; scopegate apply FILE makes one'
        : 'which organization? There are several (scopegate organization list): name one with --organization ORG, ' +
            'or set SCOPEGATE_ORGANIZATION',
    );
  }
}

/** One document on standard output. */
export function printJson(document: object): void {
  process.stdout.write(`${JSON.stringify(document)}\n`);
}

/** On standard error, for people who watch. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/**
 * `refused by all 4 gateway processes after 12 ms`. `verb` is what the processes do now: `refused by`, `in force at`.
 * Where some have not applied it yet the answer is no, and so is the exit code.
 */
export function receiptText({ applied, processes, laggards = [], lagMs = 0 }: ChangeReceipt, verb: string): string {
  if (applied === undefined) return 'done; nobody was waited for';
  const after = `after ${lagMs.toLocaleString('en-US')} ms`;
  if (applied && processes === 0) return 'done; no gateway process runs';
  if (applied)
    return `${verb} ${processes === 1 ? 'the gateway process' : `all ${processes} gateway processes`} ${after}`;
  process.exitCode = 2;
  if (processes === null || processes === undefined)
    return `done, but which gateway processes have applied it could not be asked (${after})`;
  return `done, but not yet ${verb} ${laggards.length} of ${processes} gateway processes ${after}: ${laggards.join(', ')}`;
}
