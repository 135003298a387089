/**
 * `scopegate check`: reads a configuration the way `serve` does, and starts nothing. Looks into the store only where that is
 * asked for, and changes nothing there.
 */
import type { Configuration } from '../config/load/configuration.ts';
import { loadGateway } from '../config/load/load-gateway.ts';
import type { Env } from '../config/yaml/expand.ts';
import { ConfigError, SetupError } from '../errors.ts';
import { tokensOfWithdrawnVersions } from '../manage/tokens/withdrawn-versions.ts';
import { Owned } from '../owned.ts';
import { adapterOf } from '../store/adapters.ts';
import { StoreUnavailable } from '../store/store.ts';
import type { Invocation } from './command.ts';
import { openForCommand } from './opened-store.ts';
import { summary } from './summary.ts';

interface CheckValues {
  readonly json: boolean;
  readonly store: boolean;
}

/** A token for an API version that the policy no longer has. */
interface WithdrawnVersion {
  readonly organization: string;
  readonly id: string;
  readonly name: string;
  readonly apiVersion: string;
}

const SHOWN_MAX = 20;

export async function checkCommand({ values, args, env }: Invocation<CheckValues>): Promise<void> {
  const path = args[0] ?? 'gateway.yaml';
  if (values.json) return checkAsJson(path, env, values.store);
  const configuration = loadGateway(path, env);
  const withdrawn = values.store ? await withdrawnVersions(configuration) : [];
  for (const warning of [...configuration.warnings, ...withdrawnWarnings(withdrawn)])
    process.stderr.write(`${warning}\n`);
  process.stdout.write(`${path}: ok, ${summary(configuration)}\n`);
}

async function checkAsJson(path: string, env: Env, withStore: boolean): Promise<void> {
  try {
    const configuration = loadGateway(path, env);
    const { warnings } = configuration;
    const seen = withStore ? { withdrawnVersions: await withdrawnVersions(configuration) } : {};
    process.stdout.write(`${JSON.stringify({ ok: true, problems: [], warnings, ...seen })}\n`);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stdout.write(`${JSON.stringify({ ok: false, problems: error.problems, warnings: [] })}\n`);
    process.exitCode = 1;
  }
}

function withdrawnWarnings(tokens: readonly WithdrawnVersion[]): readonly string[] {
  const told = tokens
    .slice(0, SHOWN_MAX)
    .map(
      ({ organization, id, name, apiVersion }) =>
        `warning: the token ${id} ${JSON.stringify(name)} of ${organization} is for ${apiVersion}, which the policy no longer has`,
    );
  const more = tokens.length - told.length;
  return more > 0 ? [...told, `warning: and ${more} more tokens; --json names them all`] : told;
}

/** Rejects with SetupError where the store cannot be asked. A store that is not there yet is not made. */
async function withdrawnVersions(configuration: Configuration): Promise<readonly WithdrawnVersion[]> {
  const { file, policy, resolvePath } = configuration;
  if (!adapterOf(file.store).exists(file.store, resolvePath)) return [];
  const owned = new Owned();
  try {
    const { opened } = await openForCommand(configuration, owned);
    const found: WithdrawnVersion[] = [];
    for await (const { organizationId, id, name, apiVersion } of tokensOfWithdrawnVersions(opened, policy))
      found.push({ organization: organizationId, id, name, apiVersion: apiVersion! });
    return found;
  } catch (error) {
    if (error instanceof StoreUnavailable) throw new SetupError(error.message);
    throw error;
  } finally {
    await owned.release();
  }
}
