// The volume: how full it is, how many days each camera will hold, what was deleted and why, and the rules.
import { useState } from 'preact/hooks';
import type { Forecast, Settings, StorageInfo } from '../../../src/api/contract.ts';
import { call, type Result } from '../api.ts';
import { TextField } from '../components/field.tsx';
import { Form, type FormField } from '../components/form.tsx';
import { Empty, ErrorNote, Note } from '../components/notes.tsx';
import { PageHead } from '../components/page-head.tsx';
import { toast } from '../components/toast.tsx';
import { bytes, percent } from '../quantities.ts';
import { cameraIds, cameraName, problems } from '../state.ts';
import { dateWords } from '../time.ts';
import { now, zone } from '../zone.ts';
import { settingsNames, settingsWords } from './settings-words.ts';
import { useAnswer } from './use-answer.ts';

const GB = 1_000_000_000;
/** `recording`: pictures arrive, and the volume does not take them. */
const OF_STORAGE = new Set([
  ...['volume-missing', 'no-space', 'recording', 'deletion-failed', 'index-unwritable', 'index-full'],
]);

type RuleKey = 'floorPercent' | 'totalQuotaBytes' | 'leastKeptPercent' | 'clockConfirmed';
const RULES: readonly FormField<RuleKey>[] = [
  {
    key: 'floorPercent',
    kind: 'number',
    label: settingsWords('floorPercent'),
    hint: settingsWords('floorHint'),
    unit: '%',
    min: 1,
    max: 50,
    mayBeEmpty: true,
  },
  {
    key: 'totalQuotaBytes',
    kind: 'number',
    label: settingsWords('totalQuota'),
    hint: settingsWords('totalQuotaHint'),
    unit: 'GB',
    scale: GB,
    mayBeEmpty: true,
  },
  {
    key: 'leastKeptPercent',
    kind: 'number',
    label: settingsWords('leastKept'),
    hint: settingsWords('leastKeptHint'),
    unit: '%',
    min: 0,
    max: 90,
  },
  { key: 'clockConfirmed', kind: 'flag', label: settingsWords('clockConfirmed'), hint: settingsWords('clockHint') },
];

export default function StoragePage() {
  const [wish, setWish] = useState<{ days: string; quota: string }>({ days: '', quota: '' });
  const info = useAnswer(signal => call('GET /api/storage', {}, { signal }));
  const settings = useAnswer(signal => call('GET /api/settings', {}, { signal }));
  const [rules, setRules] = useState<Partial<Record<RuleKey, unknown>>>({});
  const query = forecastQuery(wish, rules, info.value?.totalBytes);
  const outlook = useAnswer(
    signal => call('GET /api/storage/forecast', { query }, { signal }),
    `${JSON.stringify(query)} ${cameraIds.value.length}`,
  );
  const error = outlook.error ?? settings.error;
  const again = async () => {
    await Promise.all([info.again(), settings.again(), outlook.again()]);
  };
  return (
    <div class="page stack">
      <PageHead title={settingsNames('storage')} section={settingsWords('title')} />
      {problems.value
        .filter(({ kind }) => OF_STORAGE.has(kind))
        .map(problem => (
          <ErrorNote
            key={`${problem.kind} ${problem.camera ?? ''}`}
            error={{
              kind: 'unavailable',
              message: problem.message,
              ...(problem.cure === undefined ? {} : { cure: problem.cure }),
            }}
          />
        ))}
      {info.value ? (
        <Volume info={info.value} />
      ) : (
        info.error && (
          <Empty icon="storage" title={settingsWords('noStorage')}>
            <p>{info.error.message}</p>
            <p class="quiet">{settingsWords('stillWorks')}</p>
          </Empty>
        )
      )}
      {info.value && <Cameras info={info.value} forecast={outlook.value} />}
      {error && <ErrorNote error={error} />}
      <section class="card stack">
        <h2>{settingsWords('whatIf')}</h2>
        <p class="quiet dense">{settingsWords('whatIfHint')}</p>
        <div class="row">
          <TextField
            label={settingsWords('whatIfDays')}
            inputMode="numeric"
            value={wish.days}
            onInput={days => setWish({ ...wish, days })}
          />
          <TextField
            label={settingsWords('whatIfQuota')}
            inputMode="numeric"
            unit="GB"
            value={wish.quota}
            onInput={quota => setWish({ ...wish, quota })}
          />
        </div>
      </section>
      {settings.value && <Rules settings={settings.value} onDraft={setRules} onSaved={again} />}
      {info.value && <Deleted info={info.value} />}
    </div>
  );
}

/** What is typed, as far as it is a number: what is not is left out, and the form says so when it is saved. */
function forecastQuery(
  { days, quota }: { days: string; quota: string },
  rules: Partial<Record<RuleKey, unknown>>,
  totalBytes = 0,
) {
  const wanted = Number(days.replace(',', '.'));
  const gigabytes = Number(quota.replace(',', '.'));
  const { totalQuotaBytes, floorPercent } = rules;
  const total = quota.trim() !== '' && gigabytes > 0 ? Math.round(gigabytes * GB) : totalQuotaBytes;
  return {
    ...(days.trim() !== '' && wanted >= 1 && wanted <= 3650 ? { days: Math.round(wanted) } : {}),
    ...(total === null || (typeof total === 'number' && total >= 2 ** 24) ? { totalQuotaBytes: total } : {}),
    ...(typeof floorPercent === 'number' && floorPercent >= 1 && floorPercent <= 50
      ? { floorBytes: Math.max(2 ** 24, Math.round((totalBytes * floorPercent) / 100)) }
      : {}),
  };
}

function Volume({ info }: { info: StorageInfo }) {
  const { freeBytes, totalBytes, sizeBytes, lockedBytes, floorBytes } = info;
  const used = totalBytes - freeBytes;
  const others = Math.max(0, used - sizeBytes);
  const parts = { footage: sizeBytes - lockedBytes, locked: lockedBytes, others };
  return (
    <section class="card stack">
      <h2>
        {settingsWords('used', { used: bytes(used), total: bytes(totalBytes), share: percent(used / totalBytes) })}
      </h2>
      <div class="set-bar" aria-hidden="true">
        {Object.entries(parts).map(([part, size]) => (
          <span key={part} data-part={part} ref={span => span?.style.setProperty('--x', share(size, totalBytes))} />
        ))}
      </div>
      <p class="quiet">
        {settingsWords('parts', {
          footage: bytes(sizeBytes),
          locked: bytes(lockedBytes),
          others: bytes(others),
          free: bytes(freeBytes),
          floor: bytes(floorBytes),
        })}
      </p>
    </section>
  );
}

function share(size: number, total: number): string {
  return `${((100 * size) / Math.max(1, total)).toFixed(2)}%`;
}

function Cameras({ info, forecast }: { info: StorageInfo; forecast: Forecast | undefined }) {
  return (
    <section class="card stack">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls sideways has to be reached by keys */}
      <section class="scroll-x" tabIndex={0} aria-label={settingsNames('cameras')}>
        <table>
          <thead>
            <tr>
              {(['camera', 'takes', 'perDay', 'wanted', 'holds', 'since'] as const).map(column => (
                <th key={column} scope="col">
                  {settingsNames(column)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {info.cameras.map(({ camera, sizeBytes, lockedBytes, oldestMs, days }) => {
              const own = forecast?.cameras.find(one => one.camera === camera);
              const known = cameraIds.value.includes(camera);
              const isShort = own?.days != null && days !== null && own.days < days - 0.5;
              return (
                <tr key={camera}>
                  <th scope="row">{known ? cameraName(camera) : settingsWords('gone', { n: camera })}</th>
                  <td>
                    {bytes(sizeBytes)}
                    {lockedBytes > 0 && <span class="quiet"> ({bytes(lockedBytes)})</span>}
                  </td>
                  <td>{own ? bytes(own.bytesPerDay) : ''}</td>
                  <td>{days === null ? settingsWords('noLimit') : settingsWords('days', { n: days })}</td>
                  <td>
                    {own && <Holds forecast={own} />}
                    {isShort && (
                      <span class="tag" data-tone="warn">
                        {settingsWords('tooFew')}
                      </span>
                    )}
                  </td>
                  <td>{oldestMs === undefined ? settingsWords('noFootage') : dateWords(oldestMs, zone(), now())}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </section>
    </section>
  );
}

const LIMITS = { floor: 'byFloor', 'camera-quota': 'byQuota', 'total-quota': 'byTotal' } as const;

function Holds({ forecast: { days, limit } }: { forecast: Forecast['cameras'][number] }) {
  if (days === null) return <span class="quiet">{settingsWords('unknownDays')}</span>;
  const shown = days < 10 ? Number(days.toFixed(1)) : Math.round(days);
  return (
    <>
      {settingsWords('days', { n: shown })}{' '}
      {limit && limit !== 'age' && <span class="quiet dense">{settingsNames(LIMITS[limit])}</span>}
    </>
  );
}

interface RulesProps {
  settings: Settings;
  onDraft(draft: Partial<Record<RuleKey, unknown>>): void;
  onSaved(): Promise<void>;
}

function Rules({ settings, onDraft, onSaved }: RulesProps) {
  const { storage, provisioned } = settings;
  const save = async (patch: Partial<Record<RuleKey, unknown>>): Promise<Result<unknown>> => {
    const answer = await call('PATCH /api/settings', { body: { storage: patch as Settings['storage'] } });
    if (answer.is === 'ok') await onSaved();
    if (answer.is === 'ok') toast(settingsWords('rules'), { tone: 'ok' });
    return answer;
  };
  return (
    <section class="card stack">
      <h2>{settingsWords('rules')}</h2>
      {provisioned.includes('storage') ? (
        <Note>{settingsWords('provisioned')}</Note>
      ) : (
        <Form schema={RULES} value={{ ...storage }} onSave={save} onDraft={onDraft} effect={settingsWords('effect')} />
      )}
    </section>
  );
}

function Deleted({ info }: { info: StorageInfo }) {
  const causes = (['age', 'camera-quota', 'total-quota', 'floor'] as const).filter(
    cause => info.deleted[cause].segments > 0,
  );
  return (
    <section class="card stack">
      <h2>{settingsWords('deleted')}</h2>
      {causes.length === 0 && <p class="quiet">{settingsWords('nothingDeleted')}</p>}
      <ul>
        {causes.map(cause => (
          <li key={cause}>
            {settingsWords('deletedLine', {
              n: info.deleted[cause].segments,
              size: bytes(info.deleted[cause].sizeBytes),
              cause: settingsNames(cause),
            })}
          </li>
        ))}
      </ul>
    </section>
  );
}
