// The keys that do something, by page.
import { Dialog } from '../components/dialog.tsx';
import { Note } from '../components/notes.tsx';
import { preferences } from '../preferences.ts';
import { words } from '../words.ts';
import type { WindowProps } from './global-keys.tsx';

const helpWords = words('help', {
  title: 'Keys',
  off: 'Single keys are switched off, under Account.',
  everywhere: 'Everywhere',
  grid: 'Grid',
  player: 'Player and timeline',
  events: 'Events',
  help: 'this list',
  goTo: 'go to a time',
  pages: 'pages',
  fullscreen: 'fullscreen',
  back: 'back, close',
  move: 'move',
  open: 'open',
  snapshot: 'snapshot',
  sound: 'sound',
  page: 'next, previous page',
  play: 'play, pause',
  jump: '5 s; with Shift 1 min, with Ctrl 1 h',
  frame: 'one frame',
  event: 'previous, next event',
  zoom: 'zoom',
  day: 'begin, end of the day',
  speed: 'slower, faster',
  export: 'in, out, export',
  now: 'now',
  lane: 'lane',
  talk: 'talk, on the page of a camera',
  movePad: 'move the camera, zoom; while its pad has the focus',
  nextEvent: 'next, previous',
  seen: 'seen',
  lock: 'lock',
});

type Key = Parameters<typeof helpWords>[0];

const KEYS: readonly [Key, readonly [string, Key][]][] = [
  [
    'everywhere',
    [
      ['?', 'help'],
      ['1 – 5', 'pages'],
      ['G', 'goTo'],
      ['F', 'fullscreen'],
      ['Esc', 'back'],
    ],
  ],
  [
    'grid',
    [
      ['← ↑ → ↓', 'move'],
      ['Enter', 'open'],
      ['S', 'snapshot'],
      ['M', 'sound'],
      ['PgUp PgDn', 'page'],
      ['T', 'talk'],
      ['← ↑ → ↓ − +', 'movePad'],
    ],
  ],
  [
    'player',
    [
      ['Space', 'play'],
      ['← →', 'jump'],
      [', .', 'frame'],
      ['[ ]', 'event'],
      ['− +', 'zoom'],
      ['Home End', 'day'],
      ['< >', 'speed'],
      ['I O X', 'export'],
      ['N', 'now'],
      ['↑ ↓', 'lane'],
    ],
  ],
  [
    'events',
    [
      ['J K', 'nextEvent'],
      ['R', 'seen'],
      ['L', 'lock'],
      ['Enter', 'play'],
    ],
  ],
];

export function HelpWindow({ onClose }: WindowProps) {
  return (
    <Dialog title={helpWords('title')} onClose={onClose} wide>
      <div class="stack">
        {!preferences.value.shortcuts && <Note tone="warn">{helpWords('off')}</Note>}
        <div class="help-keys">
          {KEYS.map(([title, keys]) => (
            <section key={title}>
              <h3>{helpWords(title)}</h3>
              <dl>
                {keys.map(([key, does]) => (
                  <div key={key}>
                    <dt>
                      <kbd>{key}</kbd>
                    </dt>
                    <dd>{helpWords(does)}</dd>
                  </div>
                ))}
              </dl>
            </section>
          ))}
        </div>
      </div>
    </Dialog>
  );
}
