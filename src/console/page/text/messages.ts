/** What a language has to say: all that English says. A test holds them to the same order, too. Types only. */
import type { en } from './en.ts';

export type MessageKey = keyof typeof en;
type Message = string | { readonly one: string; readonly other: string };
export type Messages = Readonly<Record<MessageKey, Message>>;
