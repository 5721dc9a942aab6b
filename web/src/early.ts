// What boot.js has asked the board for before the program was there, and what it is to ask for the next time. Each answer is taken once;
// what nobody takes is let go of.

interface Early {
  socket: WebSocket;
  /** What came by the socket meanwhile. */
  heard: unknown[];
  /** By their address below the page's. */
  answers: Map<string, { answer: Promise<Response>; stop: AbortController }>;
  /** By camera, those that are to stand where its tile will be; undefined until they are drawn. */
  pictures: Map<number, HTMLCanvasElement | undefined>;
  /** Resolves when all are drawn that can be. */
  drawn: Promise<unknown>;
  /** By this device's clock. */
  sentMs: number;
}

declare global {
  interface Window {
    early?: Early;
  }
}

const KEPT_MS = 10_000;
const GRID = 'thimble-grid';
/** Of the six connections that there are, those for the program are not to wait. */
const MOST_STILLS = 4;

let isSocketTaken = false;

/** When the first answers were asked for; undefined when none were. */
export const earlySentMs: number | undefined = globalThis.window?.early?.sentMs;

// Tests of what others make of it have no window.
globalThis.window?.setTimeout(dropEarly, KEPT_MS);

/** The answer to a GET, or its failure; undefined when it was not asked for, or was taken. `signal` ends it. */
export function takeEarly(address: string, signal: AbortSignal): Promise<Response> | undefined {
  const found = window.early?.answers.get(address);
  if (!found) return undefined;
  window.early?.answers.delete(address);
  signal.addEventListener('abort', () => found.stop.abort());
  return found.answer;
}

/** The socket of `api/updates` with what it has said; undefined when there is none that is open or opens. */
export function takeEarlySocket(): { socket: WebSocket; heard: readonly unknown[] } | undefined {
  const { early } = window;
  if (!early || isSocketTaken) return undefined;
  isSocketTaken = true;
  return early.socket.readyState <= WebSocket.OPEN ? early : undefined;
}

/** Resolves when what could be drawn before the program was there is on the screen. */
export async function earlyPicturesPainted(): Promise<void> {
  const { early } = window;
  await early?.drawn;
  if (early && [...early.pictures.values()].some(Boolean))
    await new Promise(resolve => requestAnimationFrame(() => setTimeout(resolve)));
}

/** The tile of the camera has a picture of its own. */
export function dropEarlyPicture(camera: number): void {
  const { pictures } = globalThis.window?.early ?? {};
  pictures?.get(camera)?.remove();
  pictures?.delete(camera);
}

/** The tiles have had their time: what lies above one that has no picture would hide why. */
export function dropEarlyPictures(): void {
  for (const camera of window.early?.pictures.keys() ?? []) dropEarlyPicture(camera);
}

/** Nothing of what was asked for is wanted any more. */
export function dropEarly(): void {
  const { early } = window;
  if (!early) return;
  dropEarlyPictures();
  if (!isSocketTaken) early.socket.close();
  isSocketTaken = true;
  for (const { stop } of early.answers.values()) stop.abort();
  early.answers.clear();
}

/** A tile's place in the page, in CSS pixels. */
export type Spot = Pick<DOMRect, 'left' | 'top' | 'width' | 'height'>;

/** Which pictures, how wide, are to be asked for first when the home page is opened again on this device, and where they are then; none: nothing. */
export function rememberGrid(cameras: readonly number[], width: number, spots: readonly Spot[] = []): void {
  try {
    if (cameras.length === 0) localStorage.removeItem(GRID);
    else {
      const places = spots.map(({ left, top, width, height }) => [left, top, width, height].map(Math.round).join());
      const parts = [width, cameras.slice(0, MOST_STILLS).join(), `${innerWidth}x${innerHeight}`];
      localStorage.setItem(GRID, [...parts, ...places.slice(0, MOST_STILLS)].join(':'));
    }
  } catch {
    // Then they are asked for a little later.
  }
}
