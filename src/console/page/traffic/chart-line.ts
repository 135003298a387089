/** One line of a chart. Types only. */
export interface ChartLine {
  readonly name: string;
  /** null: nothing was measured. */
  readonly values: ReadonlyArray<number | null>;
}
