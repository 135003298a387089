/** What the processes of one `serve` ask each other. Types only. */
import type { Taken, Use } from '../core/rate-limit.ts';
import type { Ports } from '../gateway/gateway-options.ts';
import type { InForce, ProcessRole, SelfReport, SiblingsReport } from '../lifecycle/process-group.ts';
import type { ConfigurationUpdate, Reload } from '../lifecycle/reloader.ts';
import type { ProcessMetrics } from '../observe/aggregate.ts';

export interface Setup extends InForce {
  readonly role: ProcessRole;
  readonly name: string;
  /** Of gateway.yaml, absolute. */
  readonly path: string;
  readonly ports: Ports;
}

export interface Ready {
  readonly gatewayUrl: string | null;
  readonly decisionUrl: string | null;
  readonly adminUrl: string | null;
  readonly adminKeySource: string;
}

/** What the supervisor asks of a child. */
export interface OfWorker {
  start(setup: Setup): Ready;
  follow(revision: number): void;
  adopt(update: ConfigurationUpdate): void;
  self(nothing: null): SelfReport;
  metrics(nothing: null): ProcessMetrics;
  /** Answered at once; the process ends when it is done, a sidecar not before `finish`. */
  drain(nothing: null): void;
  finish(nothing: null): void;
}

/** What a child asks of the supervisor. */
export interface OfSupervisor {
  /** `generation`: of what the child was started with. null: nothing newer is in force. */
  join(generation: number): InForce | null;
  applied(revision: number): void;
  /** Of each request the counts that it is to be added to. */
  count(requests: ReadonlyArray<readonly Use[]>): readonly Taken[];
  reload(nothing: null): Reload;
  report(nothing: null): SiblingsReport;
  metrics(nothing: null): readonly ProcessMetrics[];
}
