// Who is told of events, the names of the board, and how its pages are encrypted.
import { useState } from 'preact/hooks';
import type { Settings, SettingsPatch, Status, WebhookTestResult } from '../../../src/api/contract.ts';
import { type ApiError, call, type Result } from '../api.ts';
import { Form, type FormField } from '../components/form.tsx';
import { ErrorNote, Note } from '../components/notes.tsx';
import { PageHead } from '../components/page-head.tsx';
import { toast } from '../components/toast.tsx';
import { dateWords } from '../time.ts';
import { now, zone } from '../zone.ts';
import { eventsWords, whenWords } from './events-words.ts';
import { cameraFields, camerasOf, type Draft, powersDraft } from './powers.ts';
import { settingsNames, settingsWords } from './settings-words.ts';
import { useAnswer } from './use-answer.ts';

type Hook = Settings['webhooks'][number];
type HookPatch = NonNullable<SettingsPatch['webhooks']>[number];

export default function WebhooksPage() {
  const settings = useAnswer(signal => call('GET /api/settings', {}, { signal }));
  const status = useAnswer(signal => call('GET /api/status', {}, { signal }));
  const save = async (body: SettingsPatch, done: string): Promise<Result<unknown>> => {
    const answer = await call('PATCH /api/settings', { body });
    if (answer.is !== 'ok') return answer;
    await settings.again();
    toast(done, { tone: 'ok' });
    return answer;
  };
  const { hosts, webhooks } = settings.value ?? {};
  const error = settings.error ?? status.error;
  return (
    <div class="page stack">
      <PageHead title={settingsNames('events')} section={settingsWords('title')} />
      {error && <ErrorNote error={error} />}
      {webhooks && <Webhooks hooks={webhooks} onSave={list => save({ webhooks: list }, eventsWords('saved'))} />}
      {hosts && (
        <section class="card">
          <Form
            schema={[{ key: 'hosts', kind: 'text', label: eventsWords('hosts'), hint: eventsWords('hostsHint') }]}
            value={{ hosts: hosts.join(' ') }}
            onSave={draft => save({ hosts: listOf(draft.hosts) }, eventsWords('hostsSaved'))}
          />
        </section>
      )}
      {status.value && <Encryption https={status.value.service.https} />}
    </div>
  );
}

function listOf(text: unknown, between = /[\s,]+/): string[] {
  return String(text ?? '')
    .split(between)
    .map(part => part.trim())
    .filter(part => part !== '');
}

interface WebhooksProps {
  hooks: readonly Hook[];
  onSave(list: HookPatch[]): Promise<Result<unknown>>;
}

/** The board takes the whole list; errors come back at the webhook that they are about. */
function Webhooks({ hooks, onSave }: WebhooksProps) {
  const [error, setError] = useState<ApiError>();
  const put = async (index: number, hook?: HookPatch) => {
    const list: HookPatch[] = [...hooks];
    list.splice(index, 1, ...(hook ? [hook] : []));
    const answer = await onSave(list);
    if (answer.is !== 'error') return answer;
    const prefix = `webhooks.${index}.`;
    const { field, ...rest } = answer.error;
    const own = field?.startsWith(prefix) ? { field: field.slice(prefix.length) } : {};
    return { ...answer, error: { ...rest, message: rest.message.replace(prefix, ''), ...own } as ApiError };
  };
  const remove = async (index: number) => {
    const answer = await put(index);
    setError(answer.is === 'error' ? answer.error : undefined);
  };
  return (
    <section class="card stack">
      <h2>{eventsWords('webhooks')}</h2>
      <p class="quiet dense">{eventsWords('webhooksHint')}</p>
      {hooks.map((hook, index) => (
        <details key={hook.id}>
          <summary>{hook.url}</summary>
          <Webhook hook={hook} onSave={next => put(index, next)} onRemove={() => void remove(index)} />
        </details>
      ))}
      {error && <ErrorNote error={error} />}
      <details>
        <summary>{eventsWords('add')}</summary>
        <Webhook key={hooks.length} onSave={next => put(hooks.length, next)} />
      </details>
    </section>
  );
}

const FIELDS = (hasSecret: boolean): FormField[] => [
  { key: 'url', kind: 'text', label: eventsWords('url'), placeholder: 'https://', maxLength: 1024 },
  {
    ...{ key: 'secret', kind: 'password', label: eventsWords('secret'), hint: eventsWords('secretHint') },
    isSet: hasSecret,
  },
  {
    ...{ key: 'on', kind: 'choice', label: eventsWords('on') },
    options: (['opened', 'closed', 'both'] as const).map(value => ({ value, label: whenWords(value) })),
  },
  { key: 'labels', kind: 'text', label: eventsWords('labels'), hint: eventsWords('labelsHint') },
];

interface WebhookProps {
  /** Absent = a new one. */
  hook?: Hook;
  onSave(hook: HookPatch): Promise<Result<unknown>>;
  onRemove?(): void;
}

function Webhook({ hook, onSave, onRemove }: WebhookProps) {
  const [draft, setDraft] = useState<Draft>({});
  const [tested, setTested] = useState<Result<WebhookTestResult>>();
  const { url = '', labels = [], on = ['opened'] } = hook ?? {};
  const value: Draft = {
    ...{ url, labels: labels.join(', '), on: on.length > 1 ? 'both' : (on[0] ?? 'opened') },
    ...powersDraft(hook?.cameras ? { cameras: hook.cameras } : {}),
  };
  const held = { ...value, ...draft };
  const secret = held.secret ? { secret: String(held.secret) } : {};
  const save = async () => {
    const about = listOf(held.labels, /,/);
    const answer = await onSave({
      ...(hook ? { id: hook.id } : {}),
      ...{ url: String(held.url), ...secret },
      on: held.on === 'both' ? ['opened', 'closed'] : [held.on as 'opened' | 'closed'],
      ...{ cameras: camerasOf(held) ?? null, labels: about.length > 0 ? about : null },
    });
    if (answer.is === 'ok') setDraft({});
    return answer;
  };
  const test = async () => {
    const body = { url: String(held.url), ...secret };
    setTested(await call('POST /api/settings/webhooks/test', { body }, { timeLimitMs: 15_000 }));
  };
  const result = tested?.is === 'ok' ? tested.value : undefined;
  return (
    <div class="stack">
      <Form
        schema={[...FIELDS(hook?.hasSecret === true), ...cameraFields(held)]}
        value={value}
        onSave={save}
        onDraft={setDraft}
        {...(hook ? {} : { action: eventsWords('add') })}
      />
      <div class="row">
        <button type="button" class="button" disabled={held.url === ''} onClick={() => void test()}>
          {eventsWords('test')}
        </button>
        {onRemove && (
          <button type="button" class="button" data-kind="danger" onClick={onRemove}>
            {eventsWords('remove')}
          </button>
        )}
        <span class="quiet dense">{eventsWords('testHint')}</span>
      </div>
      {tested?.is === 'error' && <ErrorNote error={tested.error} />}
      {result && (
        <Note tone={result.ok ? 'ok' : 'danger'} alert>
          {eventsWords(result.ok ? 'worked' : 'failed', {
            ...{ ms: result.tookMs, status: result.status ?? 0, message: result.message ?? '' },
          })}
        </Note>
      )}
    </div>
  );
}

function Encryption({ https }: { https: Status['service']['https'] }) {
  return (
    <section class="card stack">
      <h2>{eventsWords('https')}</h2>
      {https ? (
        <>
          <p>{eventsWords('httpsAt', { url: https.url })}</p>
          <p class="quiet dense">{eventsWords('fingerprint')}</p>
          <code class="set-report">{https.fingerprint}</code>
          <p>{eventsWords('until', { date: dateWords(https.validUntilMs, zone(), now(), true) })}</p>
          {https.selfSigned && <Note tone="warn">{eventsWords('selfSigned')}</Note>}
        </>
      ) : (
        <Note tone="warn">{eventsWords('plain')}</Note>
      )}
    </section>
  );
}
