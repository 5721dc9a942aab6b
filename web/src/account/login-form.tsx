// Name and password, on the login page and in the dialog over a page.
import { useEffect, useState } from 'preact/hooks';
import type { ApiError } from '../api.ts';
import { PasswordField, TextField } from '../components/field.tsx';
import { ErrorNote, Note } from '../components/notes.tsx';
import { signIn } from '../session.ts';
import { accountWords } from './account-words.ts';

export interface LoginFormProps {
  /** Known where somebody's session has ended. */
  name?: string;
  onDone(): void;
}

export function LoginForm({ name: known = '', onDone }: LoginFormProps) {
  const [name, setName] = useState(known);
  const [password, setPassword] = useState('');
  const [error, setError] = useState<ApiError>();
  const [busy, setBusy] = useState(false);
  const [waitS, wait] = useCountdown();
  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy || waitS > 0) return;
    setBusy(true);
    const answer = await signIn(name.trim(), password);
    setBusy(false);
    if (answer.is === 'ok') return onDone();
    if (answer.is !== 'error') return;
    if (answer.status === 429) wait(answer.retryAfterMs ?? 10_000);
    setError(answer.status === 429 ? undefined : answer.error);
  };
  return (
    <form class="stack" onSubmit={event => void submit(event)}>
      <TextField
        label={accountWords('name')}
        name="username"
        autoComplete="username"
        value={name}
        onInput={setName}
        required
      />
      <PasswordField
        label={accountWords('password')}
        name="password"
        autoComplete="current-password"
        value={password}
        onInput={setPassword}
        required
      />
      {waitS > 0 ? (
        <Note tone="warn" alert>
          {accountWords('wait', { n: waitS })}
        </Note>
      ) : (
        error && <ErrorNote error={error} />
      )}
      <button type="submit" class="button" data-kind="primary" disabled={busy || waitS > 0}>
        {accountWords('login')}
      </button>
    </form>
  );
}

/** Seconds left, and what sets it. */
export function useCountdown(): [number, (ms: number) => void] {
  const [untilMs, setUntil] = useState(0);
  const [leftS, setLeft] = useState(0);
  useEffect(() => {
    const count = () => setLeft(Math.max(0, Math.ceil((untilMs - Date.now()) / 1000)));
    count();
    if (untilMs <= Date.now()) return;
    const timer = window.setInterval(count, 250);
    return () => clearInterval(timer);
  }, [untilMs]);
  return [leftS, ms => setUntil(Date.now() + ms)];
}
