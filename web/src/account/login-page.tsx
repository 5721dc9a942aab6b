// Logging in; then the page that was wanted opens.
import { Icon } from '../components/icon.tsx';
import { PageHead } from '../components/page-head.tsx';
import { go } from '../router.ts';
import { enter, wantedAddress } from '../session.ts';
import { accountWords } from './account-words.ts';
import { LoginForm } from './login-form.tsx';

export default function LoginPage() {
  const done = async () => {
    const wanted = wantedAddress();
    if ((await enter()) === 'in') go(wanted);
  };
  return (
    <div class="narrow stack">
      <p class="brand">
        <Icon name="camera" /> Thimble
      </p>
      <PageHead title={accountWords('loginTitle')} />
      <LoginForm onDone={() => void done()} />
    </div>
  );
}
