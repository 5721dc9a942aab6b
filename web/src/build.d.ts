// What the build fills in.

/** Translations: language tag -> address. */
declare const LANGUAGES: Readonly<Record<string, string>>;
