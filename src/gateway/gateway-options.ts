/** What a gateway is started with. Types only. */
import type { Configuration } from '../config/load/configuration.ts';
import type { ProcessGroup } from '../lifecycle/process-group.ts';
import type { ReloadStanding } from '../lifecycle/reloader.ts';
import type { Clock } from '../observe/clock.ts';
import type { Log } from '../observe/log.ts';
import type { Store } from '../store/store.ts';

export interface GatewayOptions {
  readonly configuration: Configuration;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** null: both. */
  readonly only?: 'gateway' | 'admin' | null;
  /** false: the pipeline is used from within, and its port stays closed. */
  readonly gatewayListener?: boolean;
  readonly clock?: Clock;
  /** Stands between the store that is opened and everything that asks it. */
  readonly aroundStore?: (opened: Store) => Store;
  /** This process is one of several of one `serve`. Absent: it is alone. */
  readonly processGroup?: ProcessGroup;
  /** What came before this process. */
  readonly standing?: ReloadStanding;
  /** Where the one before this process listened, in place of what the configuration says. */
  readonly ports?: Ports;
}

export interface Ports {
  readonly gateway?: number | undefined;
  readonly decision?: number | undefined;
  readonly admin?: number | undefined;
}
