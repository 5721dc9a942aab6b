// The newest lines of the log, with filters; new ones are asked for only while the page follows.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { LogLine, LogLines, LogSettings } from '../../../src/api/contract.ts';
import { call } from '../api.ts';
import { Check, SelectField } from '../components/field.tsx';
import { Icon } from '../components/icon.tsx';
import { ErrorNote } from '../components/notes.tsx';
import { PageHead } from '../components/page-head.tsx';
import { toast } from '../components/toast.tsx';
import { clock } from '../time.ts';
import { zone } from '../zone.ts';
import { saveText } from './save-text.ts';
import { settingsNames, settingsWords } from './settings-words.ts';
import { useAnswer } from './use-answer.ts';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
type Level = (typeof LEVELS)[number];
const LIMIT = 500;
const EACH_MS = 2000;

export default function LogsPage() {
  const [level, setLevel] = useState<Level>('info');
  const [tag, setTag] = useState('');
  const [follows, setFollows] = useState(true);
  const query = { level, limit: LIMIT, ...(tag === '' ? {} : { tag }) };
  const { value, error, again } = useAnswer<LogLines>(
    signal => call('GET /api/logs', { query }, { signal }),
    JSON.stringify(query),
  );
  useEffect(() => {
    if (!follows) return;
    // The log is the one thing that the board does not push: each line would make lines of its own.
    const timer = window.setInterval(() => !document.hidden && void again(true), EACH_MS);
    return () => clearInterval(timer);
  }, [follows, level, tag]);
  const lines = value?.lines ?? [];
  const tags = [...new Set([...lines.map(line => line.tag), ...(tag === '' ? [] : [tag])])].sort();
  const options = LEVELS.map(one => ({ value: one as Level, label: settingsNames(one) }));
  return (
    <div class="page stack">
      <PageHead title={settingsNames('logs')} section={settingsWords('title')} />
      <div class="row">
        <SelectField
          label={settingsWords('level')}
          value={level}
          options={options}
          onPick={picked => setLevel(picked)}
        />
        <SelectField
          label={settingsWords('part')}
          value={tag}
          options={[{ value: '', label: settingsWords('anyPart') }, ...tags.map(one => ({ value: one, label: one }))]}
          onPick={setTag}
        />
        <Check label={settingsWords('follow')} checked={follows} onChange={setFollows} />
        <button type="button" class="button" onClick={() => download(lines)} disabled={lines.length === 0}>
          <Icon name="download" />
          {settingsWords('download')}
        </button>
      </div>
      {error && <ErrorNote error={error} />}
      <Lines lines={lines} follows={follows} onScroll={() => setFollows(false)} />
      <LevelOfAll />
    </div>
  );
}

interface LinesProps {
  lines: readonly LogLine[];
  follows: boolean;
  /** The reader went up. */
  onScroll(): void;
}

function Lines({ lines, follows, onScroll }: LinesProps) {
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    if (follows && list.current) list.current.scrollTop = list.current.scrollHeight;
  }, [lines, follows]);
  if (lines.length === 0) return <p class="quiet">{settingsWords('noLines')}</p>;
  const scrolled = ({ currentTarget: { scrollTop, clientHeight, scrollHeight } }: { currentTarget: HTMLElement }) => {
    if (follows && scrollTop + clientHeight < scrollHeight - 40) onScroll();
  };
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys
    <ul class="card set-log" ref={list} tabIndex={0} aria-label={settingsNames('logs')} onScroll={scrolled}>
      {lines.map(({ timeMs, level, tag, msg, repeated, ...rest }, index) => (
        <li key={`${timeMs} ${index}`}>
          <span class="quiet">{clock(timeMs, zone())}</span> <span data-level={level}>{level}</span>{' '}
          <strong>{tag}</strong> {msg}{' '}
          {repeated !== undefined && <span class="tag">{settingsWords('times', { n: repeated })}</span>}{' '}
          <span class="quiet">{fields(rest)}</span>
        </li>
      ))}
    </ul>
  );
}

function fields(rest: Readonly<Record<string, unknown>>): string {
  return Object.entries(rest)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');
}

/** Lines as they are, one JSON object each. */
function download(lines: readonly LogLine[]): void {
  const text = lines.map(line => `${JSON.stringify(line)}\n`).join('');
  saveText('thimble-log.ndjson', text, 'application/x-ndjson');
}

function LevelOfAll() {
  const settings = useAnswer(signal => call('GET /api/settings', {}, { signal }));
  const level = settings.value?.log.level;
  if (level === undefined) return null;
  const pick = async (picked: LogSettings['level']) => {
    const answer = await call('PATCH /api/settings', { body: { log: { level: picked } } });
    if (answer.is === 'error') toast(answer.error.message, { tone: 'danger' });
    await settings.again();
  };
  return (
    <section class="card">
      <SelectField
        label={settingsWords('logLevel')}
        value={level}
        options={LEVELS.map(one => ({ value: one, label: settingsNames(one) }))}
        onPick={picked => void pick(picked)}
      />
    </section>
  );
}
