// The first run: code and account, then clock, zone and storage, then go2rtc, then the first camera.
import { useEffect, useState } from 'preact/hooks';
import { call } from '../api.ts';
import { Icon } from '../components/icon.tsx';
import { Empty } from '../components/notes.tsx';
import { PageHead } from '../components/page-head.tsx';
import { prefer } from '../preferences.ts';
import { amend, go, href } from '../router.ts';
import { enter } from '../session.ts';
import { cameraIds, me } from '../state.ts';
import { FirstAccount } from './first-account.tsx';
import { HubStep } from './hub-step.tsx';
import { PlaceStep } from './place-step.tsx';
import { setupNames, setupWords } from './setup-words.ts';

const STEPS = ['stepYou', 'stepPlace', 'stepHub', 'stepCameras'] as const;

export default function SetupPage() {
  const [step, setStep] = useState(0);
  const [closed, setClosed] = useState(false);
  useEffect(() => {
    void call('GET /api/setup', {}, { quiet: true }).then(answer => {
      if (answer.is === 'ok' && !answer.value.open && !me.value) setClosed(true);
    });
  }, []);
  if (closed) return <Closed />;
  const made = async () => {
    prefer({ wasIn: true });
    if ((await enter()) === 'in') setStep(1);
    else amend(href('login'));
  };
  return (
    <div class="narrow stack">
      <p class="brand">
        <Icon name="camera" /> Thimble
      </p>
      <PageHead title={setupWords('title')} />
      <Progress step={step} />
      {step === 0 && <FirstAccount onDone={() => void made()} />}
      {step === 1 && <PlaceStep onDone={() => setStep(2)} />}
      {step === 2 && <HubStep onDone={() => setStep(3)} />}
      {step === 3 && <CamerasStep />}
    </div>
  );
}

function Progress({ step }: { step: number }) {
  const name = setupNames(STEPS[step] ?? 'stepYou');
  return (
    <div class="row">
      <span class="setup-steps" aria-hidden="true">
        {STEPS.map((key, index) => (
          <span key={key} data-done={index <= step} />
        ))}
      </span>
      <span class="quiet dense" role="status">
        {setupWords('step', { n: step + 1, of: STEPS.length, name })}
      </span>
    </div>
  );
}

function CamerasStep() {
  const count = cameraIds.value.length;
  return (
    <div class="stack">
      <p>{count > 0 ? setupWords('camerasThere', { n: count }) : setupWords('cameras')}</p>
      <div class="row">
        <button
          type="button"
          class="button"
          data-kind={count > 0 ? undefined : 'primary'}
          onClick={() => go(href('set/cameras/add', { find: 1 }))}
        >
          {setupWords('add')}
        </button>
        <button type="button" class="button" data-kind={count > 0 ? 'primary' : undefined} onClick={() => go(href(''))}>
          {setupWords(count > 0 ? 'look' : 'finish')}
        </button>
      </div>
    </div>
  );
}

function Closed() {
  return (
    <div class="narrow">
      <PageHead title={setupWords('title')} />
      <Empty icon="lock" title={setupWords('closed')}>
        <a class="button" data-kind="primary" href={href('login')}>
          {setupWords('login')}
        </a>
      </Empty>
    </div>
  );
}
