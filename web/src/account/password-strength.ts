// How hard a password is to guess, roughly and in words: a hint while typing, no more. What is refused the board decides.

export const LEAST_CHARS = 10;

export type Strength = 'short' | 'weak' | 'fair' | 'strong';

/** Counts what does not follow from what stands before: repeats, runs and the own name add nothing. */
export function strengthOf(password: string, name: string): Strength {
  const lower = password.toLowerCase();
  if ([...password].length < LEAST_CHARS) return 'short';
  const own = name.trim().toLowerCase();
  const without = own.length > 2 ? lower.replaceAll(own, '') : lower;
  let score = 0;
  let before = 0;
  const seen = new Set<number>();
  for (const char of without) {
    const code = char.codePointAt(0) ?? 0;
    if (Math.abs(code - before) > 1) score += seen.has(code) ? 0.5 : 1;
    seen.add(code);
    before = code;
  }
  const kinds = [/\p{Ll}/u, /\p{Lu}/u, /\d/, /[^\p{L}\d]/u].filter(kind => kind.test(password)).length;
  score *= 0.85 + 0.15 * kinds;
  if (score < 8) return 'weak';
  return score < 13 ? 'fair' : 'strong';
}
