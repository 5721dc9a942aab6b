// The tiles of one page of the grid: places them, lets arrows move between them, and tells each whether it may move.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { GroupLayout } from '../../../src/api/contract.ts';
import { rememberGrid, type Spot } from '../early.ts';
import { useKeys } from '../keys.ts';
import { stillWidth } from '../player/live-still.ts';
import { go, href } from '../router.ts';
import { cameraName, cameraSignal } from '../state.ts';
import { arrange, neighbour, pagesOf, type Room } from './layout.ts';
import { liveWords } from './live-words.ts';
import { PageDots } from './page-dots.tsx';
import { saveSnapshot } from './snapshot.ts';
import { Tile } from './tile.tsx';
import { useInSight } from './tiles-in-sight.ts';
import { usePlan } from './use-plan.ts';

export interface GridProps {
  /** In their order. */
  cameras: readonly number[];
  layout: GroupLayout;
  /** Seconds until the next page; 0 = stay. */
  tourS: number;
  /** What it shows first is asked for at once when this device opens the pages again. */
  isHome: boolean;
  onHide(camera: number): void;
}

/** Device pixels across from which on the small stream looks blurred. */
const WIDE_PX = 960;
const SWIPE_PX = 60;

export function Grid({ cameras, layout, tourS, isHome, onHide }: GridProps) {
  const box = useRef<HTMLDivElement>(null);
  const measured = useRoom(box);
  const room = measured ?? { width: innerWidth, height: innerHeight };
  const arrangement = arrange(layout, cameras.length, room);
  const pages = pagesOf(cameras, arrangement.perPage);
  const [wanted, setPage] = useState(0);
  const page = Math.min(wanted, pages.length - 1);
  // Tiles of another size would ask for other pictures.
  const shown = (measured && pages[page]) ?? [];
  const seen = useInSight(box, shown);
  const plan = usePlan(shown, seen, cameras.length);
  const [sounding, setSounding] = useState<number>();
  const turn = (by: number) => setPage((page + by + pages.length) % pages.length);
  useTour(tourS, pages.length, () => turn(1));
  const swipe = useSwipe(by => pages.length > 1 && turn(by));
  useGridKeys({ shown, turn, pages: pages.length, box, columns: arrangement, sound: id => setSounding(toggled(id)) });
  const toggled = (id: number) => (sounding === id ? undefined : id);
  const open = (id: number) => go(href(`cam/${id}`));
  const width = (room.width / arrangement.columns) * devicePixelRatio;
  useEffect(() => {
    if (!isHome || page > 0 || shown.length === 0) return;
    const cells = [...(box.current?.querySelectorAll('.grid-cell') ?? [])];
    rememberGrid(shown, stillWidth(width), cells.map(spotOf));
  }, [isHome, page, shown.join(), width, room.height]);
  return (
    <div class="grid-box" ref={box} {...swipe}>
      <ul
        class="grid"
        data-layout={layout}
        data-scrolls={layout === 'list' || (layout === 'auto' && room.width < 600 && room.height > room.width)}
        style={{ '--columns': arrangement.columns, '--rows': arrangement.rows, '--span': arrangement.firstSpan }}
      >
        {shown.map((id, index) => {
          const camera = cameraSignal(id);
          if (!camera) return null;
          const wide = width * (index === 0 ? arrangement.firstSpan : 1) > WIDE_PX;
          return (
            <li key={id} data-camera={id} class="grid-cell">
              <Tile
                camera={camera}
                mode={plan.modes.get(id) ?? 'off'}
                stream={wide || !camera.value.sub ? 'main' : 'sub'}
                stillMs={plan.stillMs}
                sounds={sounding === id}
                onSound={() => setSounding(toggled(id))}
                onOpen={() => open(id)}
                onHide={() => onHide(id)}
              />
            </li>
          );
        })}
      </ul>
      <PageDots page={page} pages={pages.length} onPick={setPage} />
      {plan.held > 0 && (
        <p class="grid-line quiet dense">
          {liveWords('held', { n: plan.held, of: shown.length })}{' '}
          <button type="button" class="link" onClick={plan.moveAll}>
            {liveWords('moveAll')}
          </button>
        </p>
      )}
    </div>
  );
}

/** As long as nothing was scrolled. */
function spotOf(element: Element): Spot {
  const { left, top, width, height } = element.getBoundingClientRect();
  return { left: left + scrollX, top: top + scrollY, width, height };
}

/** How much room there is between the page's bars; undefined until it was measured, before anything is painted. */
function useRoom(box: { current: HTMLDivElement | null }): Room | undefined {
  const [room, setRoom] = useState<Room>();
  useLayoutEffect(() => {
    const measure = () => {
      const element = box.current;
      if (!element) return;
      const below = Number.parseFloat(getComputedStyle(element).getPropertyValue('--below')) || 0;
      const top = element.getBoundingClientRect().top + scrollY;
      const next = { width: element.clientWidth, height: Math.max(200, innerHeight - top - below) };
      element.style.setProperty('--room', `${next.height}px`);
      setRoom(before => (before?.width === next.width && before.height === next.height ? before : next));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(document.documentElement);
    if (box.current) observer.observe(box.current);
    addEventListener('resize', measure);
    return () => {
      observer.disconnect();
      removeEventListener('resize', measure);
    };
  }, []);
  return room;
}

function useTour(everyS: number, pages: number, next: () => void): void {
  const turn = useRef(next);
  turn.current = next;
  useEffect(() => {
    if (everyS === 0 || pages < 2) return;
    const timer = window.setInterval(() => {
      const still = document.hidden || document.querySelector('.grid :focus-visible, .grid :hover, dialog[open]');
      if (!still) turn.current();
    }, everyS * 1000);
    return () => clearInterval(timer);
  }, [everyS, pages]);
}

/** Left = the next page. Buttons do the same. */
function useSwipe(turn: (by: number) => unknown) {
  const start = useRef<{ x: number; y: number } | undefined>(undefined);
  return {
    onTouchStart: ({ touches }: TouchEvent) => {
      const [touch] = touches;
      start.current = touch && touches.length === 1 ? { x: touch.clientX, y: touch.clientY } : undefined;
    },
    onTouchEnd: ({ changedTouches }: TouchEvent) => {
      const [touch] = changedTouches;
      if (!start.current || !touch) return;
      const [x, y] = [touch.clientX - start.current.x, touch.clientY - start.current.y];
      start.current = undefined;
      if (Math.abs(x) > SWIPE_PX && Math.abs(x) > 2 * Math.abs(y)) turn(x < 0 ? 1 : -1);
    },
  };
}

interface GridKeys {
  shown: readonly number[];
  pages: number;
  columns: ReturnType<typeof arrange>;
  box: { current: HTMLDivElement | null };
  turn(by: number): void;
  sound(camera: number): void;
}

function useGridKeys({ shown, pages, columns, box, turn, sound }: GridKeys): void {
  const cells = () => [...(box.current?.querySelectorAll<HTMLElement>('.grid-cell') ?? [])];
  const at = () => cells().findIndex(cell => cell.contains(document.activeElement));
  const move = ({ key }: KeyboardEvent) => {
    const from = at();
    const to = from < 0 ? 0 : neighbour(from, key, columns, shown.length);
    cells()[to]?.querySelector<HTMLElement>('a, button')?.focus();
  };
  const focused = () => shown[at()];
  const onFocused = (action: (camera: number) => void) => () => {
    const camera = focused();
    if (camera === undefined) return false;
    action(camera);
    return true;
  };
  useKeys({
    ArrowLeft: move,
    ArrowRight: move,
    ArrowUp: move,
    ArrowDown: move,
    PageDown: () => pages > 1 && turn(1),
    PageUp: () => pages > 1 && turn(-1),
    m: onFocused(sound),
    s: onFocused(id => void saveSnapshot({ id, name: cameraName(id) })),
  });
}
