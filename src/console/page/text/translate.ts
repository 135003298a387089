/** Words of the console in the language of whoever reads: counts in their plural, names put in. Knows no page. */
import { en } from './en.ts';
import type { MessageKey, Messages } from './messages.ts';
import { zh } from './zh.ts';

export type Language = 'en' | 'zh';
type Values = Readonly<Record<string, string | number>>;

export const LANGUAGES: Readonly<Record<Language, { readonly messages: Messages; readonly tag: string }>> = {
  en: { messages: en, tag: 'en' },
  zh: { messages: zh, tag: 'zh-Hans' },
};

export type Translate = (key: MessageKey, values?: Values) => string;

/** `{name}` in a message is the value of that name; `count` chooses the plural. */
export function translator(language: Language): Translate {
  const { messages, tag } = LANGUAGES[language];
  const plurals = new Intl.PluralRules(tag);
  const numbers = new Intl.NumberFormat(tag);
  return (key, values = {}) => {
    const message = messages[key];
    const text =
      typeof message === 'string'
        ? message
        : message[plurals.select(Number(values.count ?? 0)) === 'one' ? 'one' : 'other'];
    return text.replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = values[name];
      return typeof value === 'number' ? numbers.format(value) : (value ?? '');
    });
  };
}
