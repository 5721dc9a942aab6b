// Logging in over the page when a session ended: what was typed stays, and what was asked for goes on.
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { LoginFormProps } from '../account/login-form.tsx';
import { Dialog } from '../components/dialog.tsx';
import { leave } from '../session.ts';
import { signInDone, signInWanted } from '../sign-in.ts';
import { me } from '../state.ts';
import { shellWords } from './shell-words.ts';

export function SignInDialog() {
  const [Form, setForm] = useState<ComponentType<LoginFormProps>>();
  const wanted = signInWanted.value;
  useEffect(() => {
    if (wanted) void import('../account/login-form.tsx').then(({ LoginForm }) => setForm(() => LoginForm));
  }, [wanted]);
  if (!wanted || !Form) return null;
  const giveUp = () => {
    signInDone(false);
    leave();
  };
  return (
    <Dialog title={shellWords('signInTitle')} onClose={giveUp} firm>
      <div class="stack">
        <p>{shellWords('signInWhy')}</p>
        <Form name={me.value?.name ?? ''} onDone={() => signInDone(true)} />
        <button type="button" class="button" data-kind="plain" onClick={giveUp}>
          {shellWords('leave')}
        </button>
      </div>
    </Dialog>
  );
}
