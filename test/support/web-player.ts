// The player of web/ by itself in a page of the service: bundled, logged in, without the pages around it. For tests that need to
// reach what those pages hide, and for measuring.
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import type { Browser, Opened, View } from './browser.ts';
import { ACCOUNT, type Service } from './service.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** What is on `window.web` of such a page. */
const ENTRY = `
export { LivePlayer } from './web/src/player/live-player.ts';
export { MediaElement, canPlay } from './web/src/player/media-element.ts';
export { PlaybackGroup } from './web/src/player/playback-group.ts';
export { playsHls, RecordedHls } from './web/src/player/recorded-hls.ts';
export { RecordedPlayer } from './web/src/player/recorded-player.ts';
export { httpBoard } from './web/src/player/board-http.ts';
`;

/** Runs in the page, as text: tests of other folders are compiled without the browser's types. */
const HELPERS = `
// The pages lie at the top; this one does not.
document.head.append(Object.assign(document.createElement('base'), { href: '/' }));
web.place = (width, height) => {
  const frame = document.createElement('div');
  frame.style.position = 'relative';
  frame.style.width = width + 'px';
  frame.style.height = height + 'px';
  const [canvas, video] = ['canvas', 'video'].map(name => {
    const element = document.createElement(name);
    Object.assign(element.style, { position: 'absolute', inset: '0', width: '100%', height: '100%' });
    frame.append(element);
    return element;
  });
  document.body.append(frame);
  return new web.MediaElement(video, canvas);
};
web.until = async (done, limitMs = 10000) => {
  const startMs = performance.now();
  for (;;) {
    const value = done();
    if (value !== undefined && value !== false) return value;
    if (performance.now() - startMs > limitMs) throw new Error('not within ' + limitMs + ' ms: ' + done);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
};
// While a seek is under way its target is the player's time: only its end says that the picture is there.
web.watchSeeks = player => {
  const seek = player.seek.bind(player);
  player.seek = ms => (player.sought = seek(ms));
  return player;
};
web.is = (player, name, limitMs) => web.until(() => player.state.peek().is === name, limitMs);
`;

export async function playerBundle(): Promise<string> {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    stdin: { contents: ENTRY, resolveDir: ROOT, loader: 'ts' },
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'web',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    define: { LANGUAGES: '{}' },
  });
  return `${outputFiles[0]?.text ?? ''}\nwindow.web = web;\n${HELPERS}`;
}

/** A page of the service's origin, as whoever `service` asks as. */
export async function openPlayer(browser: Browser, service: Service, bundle: string, view?: View): Promise<Opened> {
  const opened = await browser.open(new URL('/api/health', service.ready.url).href, view);
  const { page } = opened;
  const login = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(ACCOUNT) };
  const status = await page.evaluate(`fetch('/api/login', ${JSON.stringify(login)}).then(answer => answer.status)`);
  if (status !== 200) throw new Error(`logging in: ${status}`);
  await page.evaluate(bundle);
  return opened;
}

/** `expression` in the page; rejects after `limitMs`. */
export async function inPage<T>(page: Page, expression: string, limitMs = 30_000): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${limitMs} ms: ${expression}`)), limitMs);
  });
  try {
    return await Promise.race([page.evaluate<T>(expression), limit]);
  } finally {
    clearTimeout(timer);
  }
}
