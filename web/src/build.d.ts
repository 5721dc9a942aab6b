// What the build fills in.

/** Style sheets that are loaded with the pages that need them: folder of web/src -> address. */
declare const SHEETS: Readonly<Record<string, string>>;
/** Translations: language tag -> address. */
declare const LANGUAGES: Readonly<Record<string, string>>;
