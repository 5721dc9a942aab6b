// How everything is: problems first with their cures, then each camera and the board in figures, and all of it as text.
import { useEffect, useState } from 'preact/hooks';
import type { Camera, Problem, Status } from '../../../src/api/contract.ts';
import { call } from '../api.ts';
import { ErrorNote, Note, Spark, sentence } from '../components/notes.tsx';
import { PageHead } from '../components/page-head.tsx';
import { reasonWords } from '../components/reasons.ts';
import { bitRate, bytes, memory } from '../quantities.ts';
import { href } from '../router.ts';
import { hasPage } from '../routes.ts';
import { allCameras, cameraName, isKnown, onUpdate, problems, system } from '../state.ts';
import { lengthWords, moment } from '../time.ts';
import { now, zone } from '../zone.ts';
import { Copyable } from './copyable.tsx';
import { settingsNames, settingsWords } from './settings-words.ts';
import { useAnswer } from './use-answer.ts';

/** Figures kept for the lines: an hour at one a minute. */
const KEPT = 60;
const EACH_MS = 60_000;
/** What keeps footage from being written comes first. */
const HARM: readonly Problem['kind'][] = [
  'volume-missing',
  'no-space',
  'index-unwritable',
  'recording',
  'camera',
  'deletion-failed',
];

export default function HealthPage() {
  const status = useAnswer(signal => call('GET /api/status', {}, { signal }));
  const lines = useLines();
  const list = [...problems.value].sort((a, b) => harm(a) - harm(b));
  const cameras = allCameras();
  return (
    <div class="page stack">
      <PageHead title={settingsWords('health')}>
        <span class="quiet">{list.length > 0 ? settingsWords('problems', { n: list.length }) : ''}</span>
      </PageHead>
      {isKnown.value && list.length === 0 && <Note tone="ok">{settingsWords('allWell')}</Note>}
      {list.map(problem => (
        <ProblemNote key={`${problem.kind} ${problem.camera ?? ''}`} problem={problem} />
      ))}
      <section class="card">
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls sideways has to be reached by keys */}
        <section class="scroll-x" tabIndex={0} aria-label={settingsNames('cameras')}>
          <table>
            <thead>
              <tr>
                {(['camera', 'state', 'fps', 'rate', 'key', 'reconnects', 'last', 'dropped'] as const).map(column => (
                  <th key={column} scope="col">
                    {settingsNames(column)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {cameras.map(camera => (
                <CameraRow key={camera.id} camera={camera} values={lines.get(camera.id) ?? []} />
              ))}
            </tbody>
          </table>
        </section>
      </section>
      {status.error && <ErrorNote error={status.error} />}
      {status.value && <Board status={status.value} />}
      {status.value && <Report status={status.value} cameras={cameras} problems={list} />}
    </div>
  );
}

function harm({ kind }: Problem): number {
  const index = HARM.indexOf(kind);
  return index < 0 ? HARM.length : index;
}

/** Pictures per second of each camera as the board tells them, kept by this page only. */
function useLines(): ReadonlyMap<number, readonly number[]> {
  const [lines, setLines] = useState<ReadonlyMap<number, readonly number[]>>(new Map());
  useEffect(() => {
    let takenMs = 0;
    return onUpdate(update => {
      if (!('type' in update) || update.type !== 'system' || performance.now() - takenMs < (takenMs ? EACH_MS : 0))
        return;
      takenMs = performance.now();
      setLines(
        before =>
          new Map(update.cameras.map(([camera, fps]) => [camera, [...(before.get(camera) ?? []), fps].slice(-KEPT)])),
      );
    });
  }, []);
  return lines;
}

function ProblemNote({ problem }: { problem: Problem }) {
  const { kind, camera, message, cure, sinceMs } = problem;
  const isHarm = harm(problem) < HARM.length;
  return (
    <Note tone={isHarm ? 'danger' : 'warn'}>
      <p>
        {camera !== undefined && !message.startsWith(cameraName(camera)) && <strong>{cameraName(camera)}: </strong>}
        {sentence(message || reasonWords(kind))}
        {sinceMs !== undefined && <span class="quiet"> {moment(sinceMs, zone(), now())}</span>}
      </p>
      {cure && <p>{cure}</p>}
      {camera !== undefined && (
        <a href={href(hasPage(`set/cameras/${camera}`) ? `set/cameras/${camera}` : `cam/${camera}`)}>
          {settingsWords('open')}
        </a>
      )}
    </Note>
  );
}

function CameraRow({ camera, values }: { camera: Camera; values: readonly number[] }) {
  const { id, name, state } = camera;
  const { main } = state;
  // Figures that change all the time are told apart from the state.
  const [, fps = 0, bitsPerSecond = 0, lastMs = 0] = system.value?.cameras.find(([one]) => one === id) ?? [];
  const least = Math.min(...values);
  const most = Math.max(...values);
  return (
    <tr>
      <th scope="row">
        <a href={href(`cam/${id}`)}>{name}</a>
      </th>
      <td>{reasonWords(state.reason ?? state.name)}</td>
      <td>
        {main ? Math.round(fps) : ''}{' '}
        {values.length > 1 && (
          <Spark
            values={values}
            label={settingsWords('fpsHour', { least: Math.round(least), most: Math.round(most) })}
          />
        )}
      </td>
      <td>{main ? bitRate(bitsPerSecond) : ''}</td>
      <td>{main && main.gopMs > 0 ? `${(main.gopMs / 1000).toFixed(1)} s` : ''}</td>
      <td>{state.reconnects}</td>
      <td>{lastMs > 0 ? settingsWords('ago', { time: lengthWords(now() - lastMs) }) : ''}</td>
      <td>{state.droppedBytes > 0 ? bytes(state.droppedBytes) : '0'}</td>
    </tr>
  );
}

function boardLines({ memory: parts, storage, clock, service }: Status): [string, string][] {
  const { freeBytes, totalBytes, writer } = storage;
  return [
    [
      settingsWords('memory'),
      settingsWords('memoryParts', {
        rss: memory(parts.rssBytes),
        rings: memory(parts.ringBytes),
        index: memory(parts.indexBytes),
      }),
    ],
    [
      settingsWords('volume'),
      `${
        freeBytes === undefined || totalBytes === undefined
          ? reasonWords('volume-missing')
          : settingsWords('volumeLine', { free: bytes(freeBytes), total: bytes(totalBytes) })
      }, ${settingsWords('slowest', { time: `${Math.round(writer.slowestSyncMs)} ms` })}`,
    ],
    [settingsWords('clock'), settingsWords(clock.trusted ? 'clockGood' : 'clockBad')],
    [settingsWords('up'), `${lengthWords(service.uptimeMs)}, ${service.version}`],
  ];
}

function Board({ status }: { status: Status }) {
  return (
    <section class="card stack">
      <h2>{settingsWords('board')}</h2>
      <dl class="stack">
        {boardLines(status).map(([name, text]) => (
          <div key={name}>
            <dt class="quiet dense">{name}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

interface ReportProps {
  status: Status;
  cameras: readonly Camera[];
  problems: readonly Problem[];
}

/** For others who are to help: without addresses, names of users, or secrets. */
function Report({ status, cameras, problems: list }: ReportProps) {
  const text = [
    `Thimble ${status.service.version}, ${new Date(status.timeMs).toISOString()}`,
    ...boardLines(status).map(([name, line]) => `${name}: ${line}`),
    ...cameras.map(({ id, state }) => {
      const { main } = state;
      const facts = main
        ? `${main.width}x${main.height} ${main.codec} ${Math.round(main.fps)}/s ${bitRate(main.bitrateBps)}`
        : '-';
      return `camera ${id}: ${state.name} ${state.reason ?? ''} ${facts}, ${state.reconnects} reconnects, ${state.droppedBytes} bytes lost`;
    }),
    ...list.map(
      ({ kind, camera, message }) => `${kind}${camera === undefined ? '' : ` (camera ${camera})`}: ${message}`,
    ),
  ].join('\n');
  return (
    <details class="card">
      <summary>{settingsWords('report')}</summary>
      <Copyable text={text} />
    </details>
  );
}
