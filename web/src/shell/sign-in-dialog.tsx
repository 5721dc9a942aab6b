// Logging in over the page when a session ended: what was typed stays, and what was asked for goes on.
import { LoginForm } from '../account/login-form.tsx';
import { Dialog } from '../components/dialog.tsx';
import { enter, leave } from '../session.ts';
import { signInDone, signInWanted } from '../sign-in.ts';
import { me } from '../state.ts';
import { shellWords } from './shell-words.ts';

export function SignInDialog() {
  if (!signInWanted.value) return null;
  // It may be somebody else now.
  const done = async () => signInDone((await enter()) === 'in');
  const giveUp = () => {
    signInDone(false);
    leave();
  };
  return (
    <Dialog title={shellWords('signInTitle')} onClose={giveUp} firm>
      <div class="stack">
        <p>{shellWords('signInWhy')}</p>
        <LoginForm name={me.value?.name ?? ''} onDone={() => void done()} />
        <button type="button" class="button" data-kind="plain" onClick={giveUp}>
          {shellWords('leave')}
        </button>
      </div>
    </Dialog>
  );
}
