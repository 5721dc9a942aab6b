// The pages' beginning: who is there, what is to be shown, and the frame around it.
import { effect, signal } from '@preact/signals';
import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import { Empty } from './components/notes.tsx';
import { Toasts } from './components/toast.tsx';
import { dropEarlyPictures, earlyPicturesPainted, earlySentMs } from './early.ts';
import { followKeys } from './keys.ts';
import { preferences } from './preferences.ts';
import { amend, followAddress, href, place } from './router.ts';
import { mayOpen, ROUTES, routeOf } from './routes.ts';
import { enter, type Standing } from './session.ts';
import { Banner } from './shell/banner.tsx';
import { GlobalKeys } from './shell/global-keys.tsx';
import { Navigation } from './shell/navigation.tsx';
import { loadPage, PageSlot } from './shell/page-slot.tsx';
import { shellWords } from './shell/shell-words.ts';
import { SignInDialog } from './shell/sign-in-dialog.tsx';
import { isKnown, me } from './state.ts';
import { loadLanguage } from './words.ts';

/** False while the board does not answer. */
const reached = signal(true);
/** Who is there is known. */
const begun = signal(false);

function App() {
  const isOutside = begun.value && me.value === undefined && !isPublic();
  useEffect(() => {
    if (isOutside) redirect('out');
  }, [isOutside]);
  if (!reached.value)
    return (
      <main class="narrow">
        <Empty icon="offline" title={shellWords('away')}>
          <p role="status">{shellWords('awayWhy')}</p>
        </Empty>
      </main>
    );
  const bare = me.value === undefined || isPublic() || place.value.query.has('wall');
  return (
    <>
      <button type="button" class="button skip" onClick={() => focusOn('#main h1')}>
        {shellWords('skip')}
      </button>
      {!bare && (
        <button type="button" class="button skip" onClick={() => focusOn('#nav a')}>
          {shellWords('skipNav')}
        </button>
      )}
      <div class="shell" data-bare={bare || undefined}>
        <Banner />
        <main id="main">{(me.value || isPublic()) && <PageSlot />}</main>
        {!bare && <Navigation />}
      </div>
      {me.value && <GlobalKeys />}
      <SignInDialog />
      <Toasts />
    </>
  );
}

function focusOn(selector: string): void {
  document.querySelector<HTMLElement>(selector)?.focus();
}

/** The page that is open needs nobody to be logged in. */
function isPublic(): boolean {
  const found = routeOf(place.value);
  return found !== undefined && found.route.role === undefined;
}

/** A board takes a few seconds to start. */
const AGAIN_MS = 2000;

async function begin(): Promise<void> {
  let standing = await enter();
  while (standing === 'unreachable') {
    reached.value = false;
    await new Promise(resolve => window.setTimeout(resolve, AGAIN_MS));
    standing = await enter();
  }
  reached.value = true;
  redirect(standing);
  if (standing === 'in') fetchAhead();
  begun.value = true;
}

/** To where somebody who stands like this belongs. */
function redirect(standing: Standing): void {
  const path = place.value.parts.join('/');
  if (standing === 'setup') amend(href('setup'));
  else if (standing === 'out' && path !== 'login')
    amend(href('login', path === '' ? {} : { next: location.hash.slice(1) }));
  else if (standing === 'in' && (path === 'login' || path === 'setup')) amend(href(''));
  else if (standing === 'in' && path === '' && !place.value.query.has('wall') && preferences.value.start)
    amend(href(preferences.value.start));
}

function followPreferences(): void {
  effect(() => {
    const { theme, pinned, compact } = preferences.value;
    const { dataset } = document.documentElement;
    if (theme) dataset.theme = theme;
    else delete dataset.theme;
    if (pinned) dataset.pinned = '';
    else delete dataset.pinned;
    if (compact) dataset.compact = '';
    else delete dataset.compact;
  });
}

/** The offline page; browsers allow it only where the connection is encrypted or stays on the machine. */
function keepOfflinePage(): void {
  if (window.isSecureContext && 'serviceWorker' in navigator)
    void navigator.serviceWorker.register('offline-worker.js').catch(() => undefined);
}

/** The other pages are fetched while there is nothing else to do, so that opening one takes no time. */
function fetchAhead(): void {
  const { connection } = navigator as { connection?: { saveData?: boolean; effectiveType?: string } };
  if (connection?.saveData || /2g|3g/.test(connection?.effectiveType ?? '')) return;
  const idle = window.requestIdleCallback ?? ((task: () => void) => window.setTimeout(task, 2000));
  const rest = ROUTES.filter(route => route.role !== undefined && mayOpen(me.value?.role, route));
  const next = () => {
    const route = rest.shift();
    if (route)
      void loadPage(route).then(
        () => idle(next),
        () => undefined,
      );
  };
  window.setTimeout(() => idle(next), 3000);
}

/** For so long an empty frame is not worth drawing. */
const WORTH_MS = 200;

/**
 * Resolves when it is known who is there and what there is to see, in so far as that was asked for early, and the first pictures are
 * on the screen: making the frame would hold them up.
 */
function earlyAnswers(first: Promise<void>): Promise<unknown> {
  if (earlySentMs === undefined) return Promise.resolve();
  const late = new Promise(resolve => window.setTimeout(resolve, WORTH_MS));
  const known = new Promise<void>(resolve => effect(() => void (me.value && isKnown.value && resolve())));
  return Promise.race([Promise.all([Promise.race([known, first]), earlyPicturesPainted()]), late]);
}

/** Longer than tiles take to their first picture where all goes well. */
const PATIENCE_MS = 1500;

async function start(): Promise<void> {
  await loadLanguage(navigator.languages);
  followAddress();
  followKeys();
  followPreferences();
  await earlyAnswers(begin());
  render(<App />, document.getElementById('app') as HTMLElement);
  for (const kind of ['pointerdown', 'keydown', 'hashchange', 'resize'])
    addEventListener(kind, dropEarlyPictures, { once: true, capture: true });
  window.setTimeout(dropEarlyPictures, PATIENCE_MS);
  keepOfflinePage();
}

void start();
