// One field of a form: label, input, what it means, and what is wrong with it right beside it.
import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';
import { shellWords } from '../shell/shell-words.ts';
import { Icon } from './icon.tsx';

export interface FieldProps {
  label: string;
  /** One sentence below the input. */
  hint?: string | undefined;
  /** What is wrong with it; the input is marked, and the words are said. */
  error?: string | undefined;
  /** Behind the input, as in "seconds". */
  unit?: string;
  children(ids: { id: string; describedBy: string | undefined; invalid: boolean }): ComponentChildren;
}

/** Ties label, hint and error to whatever input `children` makes of the ids. */
export function Field({ label, hint, error, unit, children }: FieldProps) {
  const id = useId();
  const describedBy = [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(' ') || undefined;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="field-line">
        {children({ id, describedBy, invalid: error !== undefined })}
        {unit && <span class="quiet">{unit}</span>}
      </div>
      {error !== undefined && (
        <span class="field-error" id={`${id}-error`} role="alert">
          <Icon name="warn" />
          {error}
        </span>
      )}
      {hint !== undefined && (
        <span class="field-hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
    </div>
  );
}

export interface TextFieldProps {
  label: string;
  value: string;
  onInput(value: string): void;
  /** Name and autocomplete for password managers; default: no autocomplete. */
  name?: string;
  autoComplete?: string;
  type?: 'text' | 'number' | 'url' | 'search';
  inputMode?: 'numeric' | 'decimal' | 'text' | 'url';
  placeholder?: string;
  min?: number;
  max?: number;
  step?: number;
  maxLength?: number;
  unit?: string;
  hint?: string | undefined;
  error?: string | undefined;
  required?: boolean;
  disabled?: boolean;
  autoFocus?: boolean;
  /** Typed in groups, as codes are. */
  spaced?: boolean;
}

export function TextField({ label, hint, error, unit, onInput, spaced, type = 'text', ...rest }: TextFieldProps) {
  return (
    <Field label={label} hint={hint} error={error} {...(unit === undefined ? {} : { unit })}>
      {({ id, describedBy, invalid }) => (
        <input
          {...rest}
          autoComplete={rest.autoComplete ?? 'off'}
          autoCapitalize="off"
          spellcheck={false}
          class={spaced ? 'input input-code' : 'input'}
          id={id}
          // The attributes' types know one role for each type; here there is none.
          type={type as 'text'}
          aria-describedby={describedBy}
          aria-invalid={invalid}
          onInput={event => onInput(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

export type LinesFieldProps = Pick<TextFieldProps, 'label' | 'value' | 'onInput' | 'hint' | 'error'>;

/** Of more than one line, as PEM files are. */
export function LinesField({ label, hint, error, value, onInput }: LinesFieldProps) {
  return (
    <Field label={label} hint={hint} error={error}>
      {({ id, describedBy, invalid }) => (
        <textarea
          class="input"
          id={id}
          rows={3}
          value={value}
          autoComplete="off"
          autoCapitalize="off"
          spellcheck={false}
          aria-describedby={describedBy}
          aria-invalid={invalid}
          onInput={event => onInput(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

export interface PasswordFieldProps {
  label: string;
  value: string;
  onInput(value: string): void;
  name?: string;
  /** `current-password` for logging in, `new-password` where one is chosen, `off` for those of cameras. */
  autoComplete: 'current-password' | 'new-password' | 'off';
  hint?: string | undefined;
  error?: string | undefined;
  placeholder?: string;
  required?: boolean;
}

/** With a button that shows it. Pasting and password managers work. */
export function PasswordField({ label, hint, error, onInput, ...rest }: PasswordFieldProps) {
  const [visible, setVisible] = useState(false);
  return (
    <Field label={label} hint={hint} error={error}>
      {({ id, describedBy, invalid }) => (
        <>
          <input
            {...rest}
            class="input"
            id={id}
            type={(visible ? 'text' : 'password') as 'text'}
            autoCapitalize="off"
            spellcheck={false}
            aria-describedby={describedBy}
            aria-invalid={invalid}
            onInput={event => onInput(event.currentTarget.value)}
          />
          <button
            type="button"
            class="button"
            data-kind="plain"
            aria-pressed={visible}
            aria-label={shellWords('showPassword')}
            onClick={() => setVisible(!visible)}
          >
            <Icon name={visible ? 'hide' : 'eye'} />
          </button>
        </>
      )}
    </Field>
  );
}

export interface SelectFieldProps<T extends string> {
  label: string;
  value: T;
  options: readonly { value: T; label: string }[];
  onPick(value: T): void;
  hint?: string | undefined;
  error?: string | undefined;
  disabled?: boolean;
}

export function SelectField<T extends string>(props: SelectFieldProps<T>) {
  const { label, value, options, onPick, hint, error, disabled } = props;
  return (
    <Field label={label} hint={hint} error={error}>
      {({ id, describedBy, invalid }) => (
        <select
          class="input"
          id={id}
          value={value}
          disabled={disabled}
          aria-describedby={describedBy}
          aria-invalid={invalid}
          onChange={event => onPick(event.currentTarget.value as T)}
        >
          {options.map(option => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

export interface CheckProps {
  label: string;
  checked: boolean;
  onChange(checked: boolean): void;
  hint?: string;
  disabled?: boolean;
}

export function Check({ label, checked, onChange, hint, disabled }: CheckProps) {
  const id = useId();
  return (
    <div class="field">
      <label class="choice">
        <input
          type="checkbox"
          checked={checked}
          disabled={disabled}
          aria-describedby={hint ? id : undefined}
          onChange={event => onChange(event.currentTarget.checked)}
        />
        {label}
      </label>
      {hint && (
        <span class="field-hint" id={id}>
          {hint}
        </span>
      )}
    </div>
  );
}

export interface ChoicesProps<T extends string> {
  /** Said, not shown. */
  label: string;
  value: T;
  options: readonly { value: T; label: string }[];
  onPick(value: T): void;
}

/** One of a few, all in sight. */
export function Choices<T extends string>({ label, value, options, onPick }: ChoicesProps<T>) {
  return (
    <fieldset class="choices" aria-label={label}>
      {options.map(option => (
        <button
          key={option.value}
          type="button"
          class="button"
          aria-pressed={option.value === value}
          onClick={() => onPick(option.value)}
        >
          {option.label}
        </button>
      ))}
    </fieldset>
  );
}
