// Who may get in: users with what each may see and do, their sessions and tokens, and who did what.
import { useState } from 'preact/hooks';
import type { Role, User } from '../../../src/api/contract.ts';
import { meWords, roleWords } from '../account/me-words.ts';
import { OwnSessions } from '../account/own-sessions.tsx';
import { type ApiError, call } from '../api.ts';
import { Confirm } from '../components/dialog.tsx';
import { Form, type FormField } from '../components/form.tsx';
import { ErrorNote, Note } from '../components/notes.tsx';
import { PageHead } from '../components/page-head.tsx';
import { toast } from '../components/toast.tsx';
import { href } from '../router.ts';
import { me } from '../state.ts';
import { moment } from '../time.ts';
import { now, zone } from '../zone.ts';
import { Audit } from './audit.tsx';
import { camerasOf, type Draft, powerFields, powersDraft, rightsOf } from './powers.ts';
import { settingsNames, settingsWords } from './settings-words.ts';
import { Tokens } from './tokens.tsx';
import { useAnswer } from './use-answer.ts';
import { usersWords } from './users-words.ts';

const NAME: FormField = { key: 'name', kind: 'text', label: usersWords('name'), maxLength: 64 };
const PASSWORD: FormField = {
  ...{ key: 'password', kind: 'password', label: usersWords('password'), hint: usersWords('passwordHint') },
};

export default function UsersPage() {
  const list = useAnswer(signal => call('GET /api/users', {}, { signal }));
  return (
    <div class="page stack">
      <PageHead title={settingsNames('users')} section={settingsWords('title')} />
      {list.error && <ErrorNote error={list.error} />}
      {list.value?.users.map(user => (
        <UserCard key={user.id} user={user} onChanged={list.again} />
      ))}
      <NewUser onAdded={list.again} />
      <Audit />
    </div>
  );
}

interface UserProps {
  user: User;
  onChanged(): Promise<void>;
}

function UserCard({ user, onChanged }: UserProps) {
  const [open, setOpen] = useState(false);
  const { name, role, cameras, lastSeenMs, sessions, tokens, provisioned } = user;
  const facts = [
    roleWords(role),
    cameras && role !== 'admin' ? meWords('someCameras', { n: cameras.length }) : meWords('allCameras'),
    lastSeenMs ? usersWords('seen', { time: moment(lastSeenMs, zone(), now()) }) : usersWords('never'),
    usersWords('facts', { n: sessions, tokens }),
  ];
  return (
    <details class="card" onToggle={event => setOpen(event.currentTarget.open)}>
      <summary>
        <strong>{name}</strong> <span class="quiet dense">{facts.join(' · ')}</span>
      </summary>
      {open && (
        <div class="stack">
          {provisioned === undefined ? (
            <Edit user={user} onChanged={onChanged} />
          ) : (
            <Note>{usersWords('provisioned')}</Note>
          )}
          <OwnSessions user={user.id} />
          <Tokens user={user.id} onChanged={onChanged} />
          {provisioned === undefined && user.id !== me.value?.id && <Remove user={user} onChanged={onChanged} />}
        </div>
      )}
    </details>
  );
}

function Edit({ user, onChanged }: UserProps) {
  const [draft, setDraft] = useState<Draft>({});
  const isMe = user.id === me.value?.id;
  const value: Draft = { name: user.name, ...powersDraft(user) };
  const save = async (typed: Draft) => {
    const all = { ...value, ...typed };
    const has = (prefix: string) => Object.keys(typed).some(key => key.startsWith(prefix));
    const body = {
      ...('name' in typed ? { name: String(typed.name) } : {}),
      ...('role' in typed ? { role: typed.role as Role } : {}),
      ...(typed.password ? { password: String(typed.password) } : {}),
      ...(has('all') || has('cam.') ? { cameras: camerasOf(all) ?? null } : {}),
      ...(has('right.') ? { rights: rightsOf(all) } : {}),
    };
    const answer = await call('PATCH /api/users/{id}', { params: { id: user.id }, body });
    if (answer.is !== 'ok') return answer;
    setDraft({});
    // Who changed themselves may not be allowed here any more.
    if (isMe && me.value) me.value = { ...me.value, name: answer.value.name, role: answer.value.role };
    toast(usersWords('changed', { name: answer.value.name }), { tone: 'ok' });
    await onChanged();
    return answer;
  };
  return (
    <>
      <Form
        schema={[NAME, ...(isMe ? [] : [PASSWORD]), ...powerFields({ ...value, ...draft })]}
        value={value}
        effect={usersWords('atOnce')}
        onSave={save}
        onDraft={setDraft}
      />
      {isMe && <a href={href('set/me')}>{usersWords('ownPassword')}</a>}
    </>
  );
}

function Remove({ user: { id, name }, onChanged }: UserProps) {
  const [asked, setAsked] = useState(false);
  const [error, setError] = useState<ApiError>();
  const remove = async () => {
    const answer = await call('DELETE /api/users/{id}', { params: { id } });
    setAsked(false);
    if (answer.is === 'error') setError(answer.error);
    if (answer.is !== 'ok') return;
    toast(usersWords('removed', { name }));
    await onChanged();
  };
  const action = usersWords('remove', { name });
  return (
    <div class="row">
      {error && <ErrorNote error={error} />}
      <button type="button" class="button" data-kind="danger" onClick={() => setAsked(true)}>
        {action}…
      </button>
      {asked && (
        <Confirm title={action} action={action} onConfirm={() => void remove()} onClose={() => setAsked(false)}>
          {usersWords('removeHint', { name })}
        </Confirm>
      )}
    </div>
  );
}

function NewUser({ onAdded }: { onAdded(): Promise<void> }) {
  const [draft, setDraft] = useState<Draft>({});
  const value = powersDraft({ role: 'viewer' });
  const save = async (typed: Draft) => {
    const all = { ...value, ...typed };
    const body = {
      ...{ name: String(all.name ?? ''), password: String(all.password ?? ''), role: all.role as Role },
      ...{ cameras: camerasOf(all) ?? null, rights: rightsOf(all) },
    };
    const answer = await call('POST /api/users', { body });
    if (answer.is !== 'ok') return answer;
    setDraft({});
    toast(usersWords('added', { name: answer.value.name }), { tone: 'ok' });
    await onAdded();
    return answer;
  };
  return (
    <details class="card">
      <summary>{usersWords('add')}</summary>
      <Form
        schema={[NAME, PASSWORD, ...powerFields({ ...value, ...draft })]}
        value={value}
        action={usersWords('add')}
        onSave={save}
        onDraft={setDraft}
      />
    </details>
  );
}
