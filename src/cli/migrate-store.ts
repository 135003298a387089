/**
 * `scopegate migrate-store`: carries what one configuration's store holds over into another's. Only opens the two and
 * says how far it is; what is copied and compared is store/migration.ts.
 */
import type { Configuration } from '../config/load/configuration.ts';
import { loadGateway } from '../config/load/load-gateway.ts';
import { SetupError } from '../errors.ts';
import { Owned } from '../owned.ts';
import { adapterOf } from '../store/adapters.ts';
import type { ExportableStore } from '../store/exportable.ts';
import { type Migrated, migrate, type Step } from '../store/migration.ts';
import { StoreUnavailable } from '../store/store.ts';
import type { Invocation } from './command.ts';
import { openForCommand } from './opened-store.ts';
import { amount, pace, progressOn } from './progress.ts';

interface MigrateValues {
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly json: boolean;
}

export async function migrateStoreCommand({ values, env }: Invocation<MigrateValues>): Promise<void> {
  if (values.from === undefined || values.to === undefined)
    throw new SetupError('migrate-store takes --from FILE and --to FILE, two configurations; see --help');
  const [from, to] = [loadGateway(values.from, env), loadGateway(values.to, env)];
  const [source, target] = [nameOf(from), nameOf(to)];
  if (source === target) throw new SetupError(`both configurations name the same store, ${source}`);
  // Opening would make it.
  if (!adapterOf(from.file.store).exists(from.file.store, from.resolvePath))
    throw new SetupError(`there is nothing to copy: ${source} does not exist`);
  const owned = new Owned();
  const progress = progressOn(process.stderr);
  try {
    const stores = { from: await openUnused(from, owned), to: await openUnused(to, owned) };
    const migrated = await migrate({ ...stores, source, onStep: teller(progress.say) });
    progress.clear();
    const exact = [from, to].some(({ file }) => adapterOf(file.store).exactExport);
    process.stdout.write(
      values.json ? `${JSON.stringify({ source, target, ...migrated })}\n` : report(migrated, values, exact),
    );
  } catch (error) {
    progress.clear();
    if (!(error instanceof StoreUnavailable)) throw error;
    throw new SetupError(`${error.message}\nWhat is copied stays copied; running it again goes on from there.`);
  } finally {
    await owned.release();
  }
}

/** Rejects with SetupError while a gateway runs on it. A sidecar alone has no lease; what it changes is noticed at the end. */
async function openUnused(configuration: Configuration, owned: Owned): Promise<ExportableStore> {
  // Of an older format is no matter: it is carried over as it is, and upgraded where it is used.
  const { opened, registry } = await openForCommand(configuration, owned);
  const live = await registry.live();
  if (live.length === 0) return opened;
  const which = live.map(({ host, pid }) => `${host} (process ${pid})`).join(', ');
  throw new SetupError(
    `${nameOf(configuration)} is in use by a gateway on ${which}; stop it, wait a few seconds, and run this again`,
  );
}

function nameOf({ file: { store }, resolvePath }: Configuration): string {
  return adapterOf(store).describe(store, resolvePath);
}

function teller(say: (text: string) => void) {
  let [current, startedMs] = ['', 0];
  return (step: Step, done: number, total: number) => {
    if (step !== current) [current, startedMs] = [step, performance.now()];
    say(`${step}: ${pace(done, Math.max(done, total), performance.now() - startedMs)}`);
  };
}

/** `exact`: false where neither store could count without showing a record twice. */
function report(
  { records, entries, copied, removed }: Migrated,
  { from, to }: Pick<MigrateValues, 'from' | 'to'>,
  exact: boolean,
): string {
  const count = (counted: number) => `${exact ? '' : 'about '}${amount(counted)}`;
  if (copied === 0 && removed === 0)
    return `complete already: all of it is in the target as in the source, ${count(records)} records with ${count(entries)} list entries\n`;
  const now = copied === records ? '' : `, ${amount(copied)} of them by this run`;
  const gone = removed === 0 ? '' : `; ${amount(removed)} that the source has no more were removed`;
  return [
    `${count(records)} records copied${now}${gone}; all of them compared both ways, with ${count(entries)} list entries`,
    `Next: start every gateway and sidecar with ${to} instead of ${from}, at once: the two stores know nothing of each other.`,
    'The source is as it was; keep it until the new one has proved itself.',
    '',
  ].join('\n');
}
