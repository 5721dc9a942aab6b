// go2rtc: how it is and how it is used; and the streams that other programs may take from this board.
import type { Settings } from '../../../src/api/contract.ts';
import { call } from '../api.ts';
import { Form, type FormField } from '../components/form.tsx';
import { ErrorNote, Note } from '../components/notes.tsx';
import { PageHead } from '../components/page-head.tsx';
import { Go2rtcCard, Install, useGo2rtc } from './go2rtc-card.tsx';
import { hubWords } from './hub-words.ts';
import { RestreamCard } from './restream-card.tsx';
import { saveSection } from './save-section.ts';
import { settingsNames, settingsWords } from './settings-words.ts';
import { useAnswer } from './use-answer.ts';

export default function HubPage() {
  const info = useGo2rtc();
  const settings = useAnswer(signal => call('GET /api/settings', {}, { signal }));
  const error = info.error ?? settings.error;
  const again = () => Promise.all([settings.again(), info.again()]);
  return (
    <div class="page stack">
      <PageHead title={settingsNames('hub')} section={settingsWords('title')} />
      {error && <ErrorNote error={error} />}
      {info.value && (
        <Go2rtcCard info={info.value}>
          <Install info={info.value} onBegun={info.again} />
        </Go2rtcCard>
      )}
      {settings.value && <Use settings={settings.value} onSaved={again} />}
      {settings.value && <RestreamCard isProvisioned={settings.value.provisioned.includes('restream')} />}
    </div>
  );
}

const USE: readonly FormField[] = [
  {
    ...{ key: 'keep', kind: 'choice', label: hubWords('keep') },
    options: [
      { value: 'onDemand', label: hubWords('onDemand') },
      { value: 'always', label: hubWords('always') },
    ],
  },
  {
    ...{ key: 'webrtcPort', kind: 'number', label: hubWords('port'), hint: hubWords('portHint') },
    ...{ min: 0, max: 65_535 },
  },
  { key: 'binary', kind: 'text', label: hubWords('binary'), hint: hubWords('binaryHint'), maxLength: 1024 },
];

interface UseProps {
  settings: Settings;
  onSaved(): Promise<unknown>;
}

function Use({ settings: { go2rtc, provisioned }, onSaved }: UseProps) {
  return (
    <section class="card stack">
      <h2>{hubWords('settings')}</h2>
      {provisioned.includes('go2rtc') ? (
        <Note>{hubWords('provisioned')}</Note>
      ) : (
        <Form
          schema={USE}
          value={{ ...go2rtc, binary: go2rtc.binary ?? '' }}
          onSave={draft => saveSection('go2rtc', draft, hubWords('saved'), onSaved)}
          effect={hubWords('effect')}
        />
      )}
    </section>
  );
}
