// First step of the first run: the code of the board, and who its owner is.
import { useState } from 'preact/hooks';
import { type ApiError, call } from '../api.ts';
import { PasswordField, TextField } from '../components/field.tsx';
import { words } from '../components/form.tsx';
import { ErrorNote, Note } from '../components/notes.tsx';
import { useCountdown } from './login-form.tsx';
import { LEAST_CHARS, strengthOf } from './password-strength.ts';
import { setupNames, setupWords } from './setup-words.ts';

export function FirstAccount({ onDone }: { onDone(): void }) {
  const [code, setCode] = useState('');
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [error, setError] = useState<ApiError>();
  const [busy, setBusy] = useState(false);
  const [waitS, wait] = useCountdown();
  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy || waitS > 0) return;
    setBusy(true);
    const body = { code: plainCode(code), name: name.trim(), password };
    const answer = await call('POST /api/setup', { body }, { quiet: true });
    setBusy(false);
    if (answer.is === 'ok') return onDone();
    if (answer.is !== 'error') return;
    if (answer.status === 429) wait(answer.retryAfterMs ?? 60_000);
    setError(answer.status === 429 ? undefined : answer.error);
  };
  const of = (field: string) => (error?.field === field ? words(error) : undefined);
  return (
    <form class="stack" onSubmit={event => void submit(event)} noValidate>
      <p>{setupWords('intro')}</p>
      <TextField
        label={setupWords('code')}
        hint={setupWords('codeHint')}
        error={of('code')}
        value={code}
        onInput={setCode}
        name="code"
        placeholder="XXXX-XXXX"
        maxLength={32}
        spaced
      />
      <TextField
        label={setupWords('name')}
        hint={setupWords('nameHint')}
        error={of('name')}
        value={name}
        onInput={setName}
        name="username"
        autoComplete="username"
      />
      <PasswordField
        label={setupWords('password')}
        hint={strengthWords(password, name)}
        error={of('password')}
        value={password}
        onInput={setPassword}
        name="password"
        autoComplete="new-password"
      />
      {waitS > 0 && (
        <Note tone="warn" alert>
          {setupWords('wait', { n: waitS })}
        </Note>
      )}
      {error && !['code', 'name', 'password'].includes(error.field ?? '') && <ErrorNote error={error} />}
      <button type="submit" class="button" data-kind="primary" disabled={busy || waitS > 0}>
        {setupWords('continue')}
      </button>
    </form>
  );
}

/** As the board writes it, however it was typed or pasted. */
export function plainCode(text: string): string {
  const plain = text.toUpperCase().replace(/[^A-Z0-9]/g, '');
  return plain.length === 8 ? `${plain.slice(0, 4)}-${plain.slice(4)}` : text.trim();
}

export function strengthWords(password: string, name: string): string {
  if (password === '') return setupWords('passwordHint');
  const strength = strengthOf(password, name);
  return strength === 'short' ? setupWords('short', { n: LEAST_CHARS - [...password].length }) : setupNames(strength);
}
