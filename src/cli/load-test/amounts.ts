/** Numbers as the options of `scopegate bench` take them. Throws SetupError for what is none. */
import { SetupError } from '../../errors.ts';

export function percentOf(text: string, option: string): number {
  return numberOf(text.replace(/ ?%$/, ''), option);
}

/** Not negative. */
export function numberOf(text: string, option: string): number {
  if (!/^\d{1,9}(?:\.\d{1,6})?$/.test(text))
    throw new SetupError(`${option} takes a number such as 5 or 0.5, not ${JSON.stringify(text)}`);
  return Number(text);
}

/** Whole, and at least 1. */
export function countOf(text: string, option: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new SetupError(`${option} takes a whole number from 1 on, not ${JSON.stringify(text)}`);
  return Number(text);
}
