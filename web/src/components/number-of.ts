// Numbers as people type them into a form, and what they are in its value.

/** What a form may change. Numbers that are left empty are null. */
export type FormValue = string | number | boolean | null | undefined;

/** What cannot be read as a number is handed on as it stands: what is wrong with it is said when it is saved. */
export function numberOf(text: string, { scale = 1, mayBeEmpty }: { scale?: number; mayBeEmpty?: boolean }): FormValue {
  if (text.trim() === '') return mayBeEmpty ? null : '';
  const number = Number(text.replace(',', '.'));
  return Number.isFinite(number) ? Math.round(number * scale * 1000) / 1000 : text;
}
