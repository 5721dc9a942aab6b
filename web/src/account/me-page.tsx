// Oneself and this device: password, sessions, and what the browser keeps.
import { useState } from 'preact/hooks';
import { type ApiError, call } from '../api.ts';
import { PasswordField } from '../components/field.tsx';
import { words } from '../components/form.tsx';
import { Icon } from '../components/icon.tsx';
import { ErrorNote } from '../components/notes.tsx';
import { PageHead } from '../components/page-head.tsx';
import { toast } from '../components/toast.tsx';
import { signOut } from '../session.ts';
import { me } from '../state.ts';
import { DevicePreferences } from './device-preferences.tsx';
import { strengthWords } from './first-account.tsx';
import { meWords, roleWords } from './me-words.ts';
import { OwnSessions } from './own-sessions.tsx';

export default function MePage() {
  const user = me.value;
  if (!user) return null;
  const cameras = user.cameras ? meWords('someCameras', { n: user.cameras.length }) : meWords('allCameras');
  return (
    <div class="page columns">
      <PageHead title={meWords('title')} section={meWords('section')} />
      <section class="card stack">
        <h2>{meWords('who', { name: user.name })}</h2>
        <p class="quiet">
          {roleWords(user.role)}, {cameras}
        </p>
        <div class="row">
          <button type="button" class="button" onClick={() => void signOut()}>
            <Icon name="logout" />
            {meWords('logout')}
          </button>
        </div>
      </section>
      <DevicePreferences />
      {user.by === 'session' && <PasswordChange name={user.name} />}
      {user.by === 'session' && <OwnSessions />}
    </div>
  );
}

function PasswordChange({ name }: { name: string }) {
  const [currentPassword, setCurrent] = useState('');
  const [password, setPassword] = useState('');
  const [error, setError] = useState<ApiError>();
  const submit = async (event: Event) => {
    event.preventDefault();
    const answer = await call('PATCH /api/me', { body: { currentPassword, password } });
    if (answer.is === 'error') setError(answer.error);
    if (answer.is !== 'ok') return;
    me.value = answer.value;
    setError(undefined);
    setCurrent('');
    setPassword('');
    toast(meWords('changed'));
  };
  const of = (field: string) => (error?.field === field ? words(error) : undefined);
  return (
    <section class="card">
      <form class="stack" onSubmit={event => void submit(event)}>
        <h2>{meWords('password')}</h2>
        <input class="unseen" name="username" autoComplete="username" value={name} readOnly tabIndex={-1} aria-hidden />
        <PasswordField
          label={meWords('current')}
          autoComplete="current-password"
          value={currentPassword}
          error={of('currentPassword')}
          onInput={setCurrent}
        />
        <PasswordField
          label={meWords('fresh')}
          autoComplete="new-password"
          value={password}
          hint={strengthWords(password, name)}
          error={of('password')}
          onInput={setPassword}
        />
        {error && !error.field && <ErrorNote error={error} />}
        <div class="row">
          <button type="submit" class="button" data-kind="primary" disabled={currentPassword === '' || password === ''}>
            {meWords('change')}
          </button>
          <span class="quiet dense">{meWords('changeEffect')}</span>
        </div>
      </form>
    </section>
  );
}
