// Backups: taking one, and bringing one back after seeing what that changes; and which program this is.
import { useState } from 'preact/hooks';
import type { Backup, RestoreReply } from '../../../src/api/contract.ts';
import { address, call, type Result } from '../api.ts';
import { Field } from '../components/field.tsx';
import { Icon } from '../components/icon.tsx';
import { ErrorNote } from '../components/notes.tsx';
import { PageHead } from '../components/page-head.tsx';
import { refreshGroups } from '../session.ts';
import { lengthWords } from '../time.ts';
import { settingsNames, settingsWords } from './settings-words.ts';
import { systemNames, systemWords } from './system-words.ts';
import { useAnswer } from './use-answer.ts';

/** Cameras that are added are connected to one by one. */
const RESTORE_LIMIT_MS = 120_000;

export default function SystemPage() {
  const { value, error } = useAnswer(signal => call('GET /api/status', {}, { signal }));
  return (
    <div class="page stack">
      <PageHead title={settingsNames('system')} section={settingsWords('title')} />
      <section class="card stack">
        <h2>{systemWords('backup')}</h2>
        <p class="quiet">{systemWords('backupHint')}</p>
        <div class="row">
          <a class="button" href={address('GET /api/backup', {})} download="thimble-backup.json">
            <Icon name="download" />
            {systemWords('download')}
          </a>
        </div>
      </section>
      <Restore />
      <section class="card stack">
        <h2>{systemWords('about')}</h2>
        {error && <ErrorNote error={error} />}
        {value && (
          <p>
            {systemWords('version', { version: value.service.version, time: lengthWords(value.service.uptimeMs) })}
            <br />
            {systemWords('data', { folder: value.storage.dataDir })}
          </p>
        )}
        <p class="quiet">{systemWords('licence')}</p>
      </section>
    </div>
  );
}

function Restore() {
  const [backup, setBackup] = useState<Backup>();
  const [answer, setAnswer] = useState<Result<RestoreReply>>();
  const [busy, setBusy] = useState(false);
  const send = async (wanted: Backup, dryRun: boolean) => {
    setBusy(true);
    const body = { backup: wanted, dryRun };
    setAnswer(await call('POST /api/restore', { body }, { timeLimitMs: RESTORE_LIMIT_MS }));
    setBusy(false);
    // Groups are the one part of it that the board does not push.
    if (!dryRun) void refreshGroups();
  };
  const choose = async (file: File | undefined) => {
    setBackup(undefined);
    setAnswer(undefined);
    if (!file) return;
    const read = await parsed(file);
    setBackup(read);
    if (read) return send(read, true);
    const error = {
      kind: 'invalid-argument',
      message: systemWords('notJson'),
      cure: systemWords('notJsonCure'),
    } as const;
    setAnswer({ is: 'error', status: 0, error });
  };
  const reply = answer?.is === 'ok' ? answer.value : undefined;
  const n = reply?.steps.filter(({ action }) => action === 'add' || action === 'change').length ?? 0;
  return (
    <section class="card stack">
      <h2>{systemWords('restore')}</h2>
      <Field label={systemWords('file')} hint={systemWords('restoreHint')}>
        {({ id, describedBy }) => (
          <input
            type="file"
            class="input"
            accept=".json,application/json"
            id={id}
            aria-describedby={describedBy}
            disabled={busy}
            onChange={event => void choose(event.currentTarget.files?.[0])}
          />
        )}
      </Field>
      {answer?.is === 'error' && <ErrorNote error={answer.error} />}
      {reply && <p role="status">{systemWords(reply.applied ? 'did' : n === 0 ? 'nothing' : 'would', { n })}</p>}
      {reply && <Steps steps={reply.steps} />}
      {backup && reply && !reply.applied && n > 0 && (
        <div class="row">
          <button
            type="button"
            class="button"
            data-kind="primary"
            disabled={busy}
            onClick={() => void send(backup, false)}
          >
            {systemWords('apply', { n })}
          </button>
        </div>
      )}
    </section>
  );
}

/** What it holds the board judges. */
async function parsed(file: File): Promise<Backup | undefined> {
  try {
    return JSON.parse(await file.text());
  } catch {
    return undefined;
  }
}

function Steps({ steps }: Pick<RestoreReply, 'steps'>) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls sideways has to be reached by keys
    <section class="scroll-x" tabIndex={0} aria-label={systemWords('restore')}>
      <table>
        <thead>
          <tr>
            {(['what', 'action', 'note'] as const).map(column => (
              <th key={column} scope="col">
                {systemNames(column)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {steps.map(({ what, name, action, fields = [], note }) => (
            <tr key={`${what} ${name}`} class={action === 'same' ? 'quiet' : undefined}>
              <th scope="row">
                {systemNames(what)} {name}
              </th>
              <td>{systemNames(action, { fields: fields.join(', ') })}</td>
              <td>{note}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
