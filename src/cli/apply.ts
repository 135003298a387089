/**
 * `scopegate apply`: makes the directory of a running sidecar as a file says, shows what differs, and says what it
 * did. It never guesses: a file with any problem changes nothing.
 */
import type { Env } from '../config/yaml/expand.ts';
import { readYamlFile } from '../config/yaml/yaml-file.ts';
import { type ExecutionResult, execute } from '../directory/execute.ts';
import { itemName } from '../directory/item.ts';
import type { Plan, PlannedChange } from '../directory/plan.ts';
import { preparePlan } from '../directory/prepare.ts';
import { changeData, changeText, count, countsText } from '../directory/render.ts';
import { type Sidecar, SidecarRefusal } from '../directory/sidecar.ts';
import { ConfigError, SetupError } from '../errors.ts';
import { adminClient } from './admin-client.ts';
import type { Invocation } from './command.ts';
import { type GatewayOptionValues, namedGateway } from './named-gateway.ts';
import { progressOn } from './progress.ts';

interface ApplyValues extends GatewayOptionValues {
  readonly 'dry-run': boolean;
  readonly json: boolean;
  readonly prune: boolean;
}

export async function applyCommand({ values, args, env }: Invocation<ApplyValues>): Promise<void> {
  const path = args[0]!;
  const show = values.json ? asJson : asText;
  const progress = progressOn(process.stderr);
  try {
    const sidecar = adminClient(await namedGateway(values, env));
    const plan = await readPlan(path, env, sidecar, values.prune, progress.say);
    progress.clear();
    process.stderr.write(`${values['dry-run'] ? 'asking' : 'changing'} ${await sidecar.identify()}\n`);
    show.plan(plan);
    const outcome = values['dry-run'] ? dry(plan) : await execute(sidecar, plan.changes, step(plan, progress.say));
    progress.clear();
    show.outcome(plan, outcome);
    if (values['dry-run']) process.stderr.write('dry run: nothing was changed\n');
    if (outcome.failure !== null) fail(plan, outcome);
  } catch (error) {
    progress.clear();
    if (!values.json || !(error instanceof ConfigError)) throw error;
    process.stdout.write(`${JSON.stringify({ ...NOTHING, problems: error.problems })}\n`);
    process.exitCode = 1;
  }
}

const step = (plan: Plan, say: (text: string) => void) => (change: PlannedChange, index: number) =>
  say(`${index + 1} of ${plan.changes.length}: ${change.item.type} ${itemName(change.item)}`);

const NOTHING = { created: 0, changed: 0, removed: 0, unchanged: 0, changes: [] };

async function readPlan(
  path: string,
  env: Env,
  sidecar: Sidecar,
  prune: boolean,
  onStep: (text: string) => void,
): Promise<Plan> {
  const file = readYamlFile(path, env);
  // What follows a broken syntax is not worth asking about.
  if (file.data === undefined) file.throwIfAny();
  try {
    return await preparePlan(file, sidecar, { prune, onStep });
  } catch (error) {
    if (!(error instanceof SidecarRefusal)) throw error;
    throw new SetupError(`nothing was changed: the sidecar refused to be read: ${refusal(error)}`);
  }
}

/** As if everything had been done. */
function dry({ changes }: Plan): ExecutionResult {
  return { done: changes, failure: null };
}

interface Show {
  plan(plan: Plan): void;
  outcome(plan: Plan, outcome: ExecutionResult): void;
}

const asText: Show = {
  plan: ({ changes }) => {
    for (const change of changes) process.stdout.write(`${changeText(change)}\n`);
  },
  outcome: ({ changes, unchanged }, { done, failure }) => {
    if (failure !== null) return;
    process.stdout.write(
      changes.length === 0
        ? `nothing to change, ${unchanged} unchanged\n`
        : `${countsText(count(done))}, ${unchanged} unchanged\n`,
    );
  },
};

const asJson: Show = {
  plan: () => {},
  outcome: ({ changes, unchanged }, { done, failure }) => {
    const failed =
      failure === null
        ? {}
        : {
            failed: { ...changeData(failure.change), detail: failure.error.message },
            remaining: changes.length - done.length,
          };
    const result = { ...count(done), unchanged, changes: done.map(changeData), ...failed };
    process.stdout.write(`${JSON.stringify(result)}\n`);
  },
};

function fail(plan: Plan, { done, failure }: ExecutionResult): void {
  const { change, error } = failure!;
  const left = plan.changes.length - done.length;
  process.stderr.write(
    `scopegate: ${change.item.type} ${itemName(change.item)} could not be ${change.action}: ${refusal(error)}\n` +
      `done so far: ${countsText(count(done))}; ${left} not done. Running it again goes on from here.\n`,
  );
  process.exitCode = 1;
}

function refusal(error: SidecarRefusal | SetupError): string {
  return error instanceof SidecarRefusal ? `${error.message} (${error.status} ${error.code})` : error.message;
}
