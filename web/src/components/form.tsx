// A form made from a description of its fields: it keeps what is typed, marks what changed, saves that, and shows what the board
// refuses beside the field.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { ApiError, Result } from '../api.ts';
import { connection } from '../bus.ts';
import { shellWords } from '../shell/shell-words.ts';
import { Check, LinesField, PasswordField, SelectField, TextField } from './field.tsx';
import { ErrorNote, sentence } from './notes.tsx';
import { type FormValue, numberOf } from './number-of.ts';

export type { FormValue };

interface FieldBasics<K extends string> {
  /** As in the body of the route; `a.b` for what lies deeper. */
  key: K;
  label: string;
  hint?: string;
}

export type FormField<K extends string = string> = FieldBasics<K> &
  (
    | { kind: 'text'; placeholder?: string; maxLength?: number }
    /** Of more than one line. */
    | { kind: 'lines' }
    /** Write-only: empty = stays as it is. */
    | { kind: 'password'; isSet?: boolean }
    /** `scale`: what one shown unit is in the value, as 1000 for seconds of milliseconds. */
    | { kind: 'number'; unit?: string; min?: number; max?: number; step?: number; scale?: number; mayBeEmpty?: boolean }
    | { kind: 'choice'; options: readonly { value: string; label: string }[] }
    | { kind: 'flag' }
  );

export interface FormProps<K extends string> {
  schema: readonly FormField<K>[];
  value: Readonly<Partial<Record<K, FormValue>>>;
  /** Sends what changed. Errors with a `field` are shown at it, others above the button. */
  onSave(patch: Partial<Record<K, FormValue>>): Promise<Result<unknown>>;
  /** What saving does, said beside the button, as in "recording restarts". */
  effect?: ComponentChildren;
  /** Default "Save". */
  action?: string;
  /** Called with the draft after each change, for what is shown beside the form. */
  onDraft?(draft: Partial<Record<K, FormValue>>): void;
  /** Further errors by key, found by the page itself. */
  errors?: Readonly<Partial<Record<K, string>>>;
}

export function Form<K extends string>(props: FormProps<K>) {
  const { schema, value, onSave, effect, action, onDraft } = props;
  const [draft, setDraft] = useState<Partial<Record<K, FormValue>>>({});
  const [error, setError] = useState<ApiError>();
  const [busy, setBusy] = useState(false);
  const [isTried, setTried] = useState(false);
  const change = (key: K, changed: FormValue) => {
    const isBack = changed === (value[key] ?? initial(schema, key));
    const kept = Object.entries(draft).filter(([other]) => other !== key);
    const next = Object.fromEntries(isBack ? kept : [...kept, [key, changed]]) as typeof draft;
    setDraft(next);
    if (error?.field && sameField(error.field, key)) setError(undefined);
    onDraft?.(next);
  };
  const isChanged = Object.keys(draft).length > 0;
  const lost = connection.value === 'lost';
  const save = async (event: Event) => {
    event.preventDefault();
    if (!isChanged || busy || lost) return;
    setTried(true);
    if (schema.some(field => boundsError(field, draft[field.key]))) return;
    setBusy(true);
    const result = await onSave(draft);
    setBusy(false);
    if (result.is === 'error') setError(result.error);
    if (result.is !== 'ok') return;
    setError(undefined);
    // What was typed meanwhile is not saved yet.
    setDraft(
      now => Object.fromEntries(Object.entries(now).filter(([key, kept]) => kept !== draft[key as K])) as typeof now,
    );
  };
  const revert = () => {
    setDraft({});
    setError(undefined);
    onDraft?.({});
  };
  const shownValue = (key: K) => (Object.hasOwn(draft, key) ? draft[key] : value[key]);
  const placed = error?.field && schema.some(({ key }) => sameField(error.field ?? '', key));
  return (
    <form class="stack" onSubmit={event => void save(event)} noValidate>
      {schema.map(field => (
        <FormRow
          key={field.key}
          field={field}
          value={shownValue(field.key)}
          error={
            props.errors?.[field.key] ??
            (isTried ? boundsError(field, draft[field.key]) : undefined) ??
            (placed && sameField(error.field ?? '', field.key) ? words(error) : undefined)
          }
          onChange={changed => change(field.key, changed)}
        />
      ))}
      {error && !placed && <ErrorNote error={error} />}
      <div class="row">
        <button type="submit" class="button" data-kind="primary" disabled={!isChanged || busy || lost}>
          {action ?? shellWords('save')}
        </button>
        {isChanged && (
          <button type="button" class="button" onClick={revert}>
            {shellWords('revert')}
          </button>
        )}
        <span class="quiet dense" aria-live="polite">
          {lost ? shellWords('saveWaits') : isChanged ? (effect ?? shellWords('changed')) : ''}
        </span>
      </div>
    </form>
  );
}

function initial<K extends string>(schema: readonly FormField<K>[], key: K): FormValue {
  const kind = schema.find(field => field.key === key)?.kind;
  return kind === 'flag' ? false : kind === 'number' ? null : '';
}

/** The board names fields by their path; an index or a deeper part belongs to the field above. */
export function sameField(path: string, key: string): boolean {
  return path === key || path.startsWith(`${key}.`) || path.startsWith(`${key}[`);
}

/** What is wrong and what to do, in one line. Beside the field the board's name for it says nothing. */
export function words({ message, cure }: ApiError): string {
  const isNamed = cure && /^"[^"]*" is (missing|not usable)$/.test(message);
  return [isNamed ? '' : sentence(message), cure].filter(Boolean).join(' ');
}

/** Out of its bounds, said in the unit that is shown; undefined for what is in order, and for what only the board can judge. */
function boundsError(field: FormField, value: FormValue): string | undefined {
  if (field.kind !== 'number' || value === undefined || (value === null && field.mayBeEmpty)) return undefined;
  const { min = 0, max, scale = 1, unit = '' } = field;
  const shown = typeof value === 'number' ? value / scale : Number.NaN;
  if (shown >= min && (max === undefined || shown <= max)) return undefined;
  return shellWords(max === undefined ? 'numberFrom' : 'numberBetween', { min, max: max ?? '', unit });
}

interface RowProps {
  field: FormField;
  value: FormValue;
  error: string | undefined;
  onChange(value: FormValue): void;
}

function FormRow({ field, value, error, onChange }: RowProps) {
  const { label, hint } = field;
  const shared = { label, hint, error };
  switch (field.kind) {
    case 'flag':
      return <Check label={label} checked={value === true} onChange={onChange} {...(hint ? { hint } : {})} />;
    case 'choice':
      return <SelectField {...shared} value={String(value ?? '')} options={field.options} onPick={onChange} />;
    case 'password': {
      const placeholder = field.isSet ? shellWords('passwordSet') : '';
      return (
        <PasswordField
          {...shared}
          value={String(value ?? '')}
          autoComplete="off"
          placeholder={placeholder}
          onInput={onChange}
        />
      );
    }
    case 'lines':
      return <LinesField {...shared} value={String(value ?? '')} onInput={onChange} />;
    case 'number':
      return <NumberRow {...shared} field={field} value={value} onChange={onChange} />;
    default: {
      const { placeholder, maxLength } = field;
      const extra = { ...(placeholder ? { placeholder } : {}), ...(maxLength ? { maxLength } : {}) };
      return <TextField {...shared} {...extra} value={String(value ?? '')} onInput={onChange} />;
    }
  }
}

type NumberProps = Omit<RowProps, 'field'> & {
  field: Extract<FormField, { kind: 'number' }>;
  label: string;
  hint: string | undefined;
};

/** What was typed stays as it was typed, for `1.` is on its way to `1.5`. */
function NumberRow({ field, value, onChange, ...shared }: NumberProps) {
  const { unit, min, max, step, scale = 1 } = field;
  const [text, setText] = useState('');
  const plain = typeof value === 'number' ? String(value / scale) : String(value ?? '');
  const bounds = { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }), step: step ?? 1 };
  const typed = (next: string) => {
    setText(next);
    onChange(numberOf(next, field));
  };
  return (
    <TextField
      {...shared}
      {...bounds}
      {...(unit ? { unit } : {})}
      inputMode="decimal"
      value={numberOf(text, field) === value ? text : plain}
      onInput={typed}
    />
  );
}
