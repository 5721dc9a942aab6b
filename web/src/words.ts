// The catalogue of texts: English beside the pages that show it, another language laid over it. Hides plurals and places.

/** Texts by area and key. */
export type Translation = Readonly<Record<string, Readonly<Record<string, string>>>>;

export type Values = Readonly<Record<string, string | number>>;

/** What to show for a key; `{n}` is replaced by a value, `{n:camera|cameras}` by the form that goes with it. */
export type Words<K extends string> = (key: K, values?: Values) => string;

let translation: Translation = {};
let plurals = new Intl.PluralRules('en');

/** Lays a language over the English texts; forms in braces stand in the order of the language's plural categories. */
export function translate(language: string, texts: Translation): void {
  translation = texts;
  plurals = new Intl.PluralRules(language);
}

/**
 * Texts of one area of the pages. Where the build finds all keys of a catalogue in its calls, English stands there instead
 * of the key and the catalogue is empty: what has to be looked up by a key of the service goes into a catalogue of its own.
 */
export function words<K extends string>(area: string, english: Readonly<Record<K, string>>): Words<K> {
  return (key, values) => filled(translation[area]?.[key] ?? english[key] ?? key, values);
}

function filled(text: string, values?: Values): string {
  if (!values) return text;
  return text.replace(/\{(\w+)(?::([^}]*))?\}/g, (whole, name: string, forms?: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return forms === undefined ? String(value) : form(forms.split('|'), Number(value));
  });
}

function form(forms: readonly string[], count: number): string {
  // The order of CLDR, whatever order a browser lists them in.
  const order = ['zero', 'one', 'two', 'few', 'many', 'other'];
  const known = plurals.resolvedOptions().pluralCategories;
  const categories = order.filter(category => known.some(name => name === category));
  return forms[categories.indexOf(plurals.select(count))] ?? forms.at(-1) ?? '';
}

/** Takes the first language that the reader wants and that there is. Texts stay English when it cannot be loaded. */
export async function loadLanguage(wanted: readonly string[]): Promise<void> {
  for (const language of wanted) {
    const short = language.split('-')[0] ?? '';
    if (short === 'en') return;
    const address = LANGUAGES[language] ?? LANGUAGES[short];
    if (address === undefined) continue;
    try {
      const answer = await fetch(address);
      if (!answer.ok) return;
      translate(language, (await answer.json()) as Translation);
      document.documentElement.lang = language;
    } catch {
      // Better English words than none.
    }
    return;
  }
}
