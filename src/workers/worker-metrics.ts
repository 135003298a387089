/** What the supervisor counts itself: who is there, and how often each had to be started again, and what its own log lost. */
import type { ProcessName, ProcessReport, ProcessRole } from '../lifecycle/process-group.ts';
import type { ProcessMetrics } from '../observe/aggregate.ts';
import { DROPPED_LINES } from '../observe/log.ts';

const STATES = ['starting', 'serving', 'draining', 'restarting'] satisfies ReadonlyArray<ProcessReport['state']>;

export function workerMetrics(
  processes: ReadonlyArray<{
    readonly name: ProcessName;
    readonly role: ProcessRole;
    readonly state: ProcessReport['state'];
    readonly restarts: number;
  }>,
  droppedLines: number,
): ProcessMetrics {
  const workers = processes.filter(({ role }) => role === 'gateway');
  return [
    metric(
      'scopegate_workers',
      'Gateway processes by state.',
      'gauge',
      STATES.map((state) => ({
        labels: { state },
        value: workers.filter((worker) => worker.state === state).length,
      })),
    ),
    metric(
      'scopegate_worker_restarts_total',
      'How often a process ended and was started again.',
      'counter',
      processes.map(({ name, restarts }) => ({ labels: { process: name }, value: restarts })),
    ),
    metric(DROPPED_LINES.name, DROPPED_LINES.help, 'counter', [{ labels: {}, value: droppedLines }]),
  ];
}

function metric(name: string, help: string, type: string, values: ProcessMetrics[number]['values']) {
  return { name, help, type, aggregator: 'sum', values } as unknown as ProcessMetrics[number];
}
