// MQTT: the broker and what it answers, how the connection is, and what Home Assistant is told of.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { MqttInfo, MqttSettings, MqttState, MqttTestResult } from '../../../src/api/contract.ts';
import { call, type Result } from '../api.ts';
import { Button } from '../components/button.tsx';
import { Form, type FormField, words } from '../components/form.tsx';
import { ErrorNote, Note, sentence } from '../components/notes.tsx';
import { PageHead } from '../components/page-head.tsx';
import { toast } from '../components/toast.tsx';
import { memory } from '../quantities.ts';
import { clock, moment } from '../time.ts';
import { now, zone } from '../zone.ts';

import { type MqttDraft, mqttPatch, mqttValue, needsCertificates } from './mqtt-draft.ts';
import { mqttWords, platformNames } from './mqtt-words.ts';
import { atField } from './save-section.ts';
import { settingsNames, settingsWords } from './settings-words.ts';
import { useAnswer } from './use-answer.ts';

const EACH_MS = 3000;
/** Two ways of speaking, each with its time limits on the board. */
const TEST_LIMIT_MS = 40_000;

export default function MqttPage() {
  const info = useAnswer(signal => call('GET /api/settings/mqtt', {}, { signal }));
  const settings = useAnswer(signal => call('GET /api/settings', {}, { signal }));
  const isOn = info.value !== undefined && info.value.state.name !== 'off';
  useEffect(() => {
    if (!isOn) return;
    const timer = window.setInterval(() => !document.hidden && void info.again(true), EACH_MS);
    return () => clearInterval(timer);
  }, [isOn]);
  const error = info.error ?? settings.error;
  const { value } = info;
  const isGiven = settings.value?.provisioned.includes('mqtt');
  return (
    <div class="page stack">
      <PageHead title={settingsNames('mqtt')} section={settingsWords('title')} />
      {error && <ErrorNote error={error} />}
      {value && <State state={value.state} />}
      {value && isGiven !== undefined && (
        <section class="card stack">
          <h2>{mqttWords('broker')}</h2>
          {isGiven ? (
            <Note>{mqttWords('provisioned')}</Note>
          ) : (
            <Broker settings={value.settings} onSaved={() => info.again()} />
          )}
        </section>
      )}
      {value && <Devices devices={value.devices} />}
    </div>
  );
}

function fields({ hasPassword, hasKey }: MqttSettings, held: MqttDraft): FormField[] {
  const only = (value: string) => ({ value, label: mqttWords('only', { version: value }) });
  const pem = (key: string, label: string, hint: string): FormField => ({ key, kind: 'lines', label, hint });
  const discovery: FormField = {
    ...{ key: 'discoveryPrefix', kind: 'text', label: mqttWords('discovery'), hint: mqttWords('discoveryHint') },
  };
  return [
    { key: 'enabled', kind: 'flag', label: mqttWords('enabled') },
    { ...{ key: 'url', kind: 'text', label: mqttWords('url') }, hint: mqttWords('urlHint'), placeholder: 'mqtt://' },
    { key: 'username', kind: 'text', label: mqttWords('user') },
    {
      ...{ key: 'password', kind: 'password', label: mqttWords('password') },
      ...{ hint: mqttWords('secretHint'), isSet: hasPassword },
    },
    ...(needsCertificates(held)
      ? [
          pem('ca', mqttWords('ca'), mqttWords('caHint')),
          pem('cert', mqttWords('cert'), mqttWords('certHint')),
          pem('key', mqttWords('key'), hasKey ? mqttWords('keySet') : mqttWords('secretHint')),
        ]
      : []),
    {
      ...{ key: 'protocol', kind: 'choice', label: mqttWords('protocol') },
      options: [{ value: 'auto', label: mqttWords('auto') }, only('5'), only('3.1.1')],
    },
    { key: 'prefix', kind: 'text', label: mqttWords('prefix'), hint: mqttWords('prefixHint'), maxLength: 64 },
    { key: 'found', kind: 'flag', label: mqttWords('found') },
    ...(held.found ? [discovery] : []),
  ];
}

interface BrokerProps {
  settings: MqttSettings;
  onSaved(): Promise<void>;
}

function Broker({ settings, onSaved }: BrokerProps) {
  const [draft, setDraft] = useState<MqttDraft>({});
  const [tested, setTested] = useState<Result<MqttTestResult>>();
  const [busy, setBusy] = useState(false);
  const latest = useRef(draft);
  latest.current = draft;
  const value = mqttValue(settings);
  const held = { ...value, ...draft };
  const schema = fields(settings, held);
  const typed = (next: MqttDraft) => {
    setDraft(next);
    setTested(undefined);
  };
  const save = async (changed: MqttDraft) => {
    setTested(undefined);
    const answer = await call('PATCH /api/settings', { body: { mqtt: mqttPatch(changed, value) } });
    if (answer.is !== 'ok') return atField(answer, 'mqtt');
    setDraft({});
    await onSaved();
    toast(mqttWords('saved'), { tone: 'ok' });
    return answer;
  };
  const test = async () => {
    setBusy(true);
    setTested(undefined);
    const body = mqttPatch(draft, value);
    const answer = await call('POST /api/settings/mqtt/test', { body }, { timeLimitMs: TEST_LIMIT_MS });
    setBusy(false);
    // Of what was typed meanwhile it says nothing.
    if (latest.current === draft) setTested(atField(answer, 'mqtt'));
  };
  const error = tested?.is === 'error' ? tested.error : undefined;
  const isPlaced = error?.field !== undefined && schema.some(({ key }) => key === error.field);
  return (
    <>
      <Form
        schema={schema}
        value={value}
        onSave={save}
        onDraft={typed}
        effect={mqttWords('effect')}
        errors={isPlaced && error.field ? { [error.field]: words(error) } : {}}
      />
      <div class="row">
        <Button text={mqttWords('test')} disabled={busy || held.url === ''} onClick={() => void test()} />
        <span class="quiet dense" aria-live="polite">
          {busy ? mqttWords('testing') : mqttWords('testHint')}
        </span>
      </div>
      {error && !isPlaced && <ErrorNote error={error} />}
      {tested?.is === 'ok' && <Tested result={tested.value} />}
    </>
  );
}

function Tested({ result: { problem, protocol, tookMs } }: { result: MqttTestResult }) {
  if (problem) return <ErrorNote error={{ kind: 'unavailable', message: problem.message, cure: problem.cure }} />;
  return (
    <Note tone="ok" alert>
      {mqttWords('worked', { version: protocol ?? '', ms: tookMs })}
    </Note>
  );
}

function State({ state }: { state: MqttState }) {
  const { name, sinceMs, protocol, problem, retryAtMs, queued, queuedBytes, published, dropped, commands } = state;
  const since = moment(sinceMs, zone(), now());
  const size = memory(queuedBytes);
  return (
    <section class="card stack">
      <h2>{mqttWords('state')}</h2>
      {name === 'off' && <p class="quiet">{mqttWords('off')}</p>}
      {name === 'connecting' && !problem && <p>{mqttWords('connecting')}</p>}
      {name === 'online' && <Note tone="ok">{mqttWords('online', { since, version: protocol ?? '' })}</Note>}
      {problem && (
        <Note tone="danger">
          <p>{sentence(problem.message)}</p>
          <p class="quiet">{problem.cure}</p>
          <p class="quiet dense">
            {mqttWords('away', { since })}{' '}
            {retryAtMs !== undefined && mqttWords('retry', { time: clock(retryAtMs, zone()) })}
          </p>
        </Note>
      )}
      {name !== 'off' && (
        <p class="quiet dense">
          {queued > 0 ? mqttWords('queue', { n: queued, size }) : mqttWords('empty')}{' '}
          {mqttWords('sent', { n: published })} {dropped > 0 && mqttWords('dropped', { n: dropped })}{' '}
          {mqttWords('commands', { ...commands })}
        </p>
      )}
    </section>
  );
}

function Devices({ devices }: { devices: MqttInfo['devices'] }) {
  return (
    <section class="card stack">
      <h2>{mqttWords('sees')}</h2>
      {devices.length === 0 && <p class="quiet">{mqttWords('seesNothing')}</p>}
      {devices.map(({ camera = 0, name, entities }) => (
        <details key={camera}>
          <summary>{mqttWords('entities', { name, n: entities.length })}</summary>
          <ul>
            {entities.map(entity => (
              <li key={`${entity.platform} ${entity.name}`}>
                {entity.name} <span class="quiet dense">{platformNames(entity.platform as 'sensor')}</span>
              </li>
            ))}
          </ul>
        </details>
      ))}
    </section>
  );
}
