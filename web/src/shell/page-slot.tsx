// Where the open page stands: loads its piece of the program, and brings the reader back to where they were on it.
import type { ComponentType } from 'preact';
import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import { Empty } from '../components/notes.tsx';
import { PageHead } from '../components/page-head.tsx';
import { href, type Place, place } from '../router.ts';
import { mayOpen, type PageProps, type PageRoute, routeOf } from '../routes.ts';
import { me } from '../state.ts';
import { shellWords } from './shell-words.ts';

/** Pages that are there, by what loads them. */
const loaded = new Map<PageRoute['load'], ComponentType<PageProps>>();

/** Fetches what a page needs without showing it. Rejects when its program cannot be had. */
export async function loadPage(route: PageRoute): Promise<void> {
  if (pageOf(route)) return;
  loaded.set(route.load, (await route.load()).default);
}

function pageOf(route: PageRoute): ComponentType<PageProps> | undefined {
  return route.page ?? loaded.get(route.load);
}

export function PageSlot() {
  const [failed, setFailed] = useState<PageRoute>();
  const [, setReady] = useState<PageRoute>();
  const at = place.value;
  const found = routeOf(at);
  const route = found?.route;
  useEffect(() => {
    if (!route || pageOf(route)) return;
    loadPage(route).then(
      () => setReady(route),
      () => setFailed(route),
    );
  }, [route]);
  if (!found || !route) return <Unknown />;
  if (!mayOpen(me.value?.role, route)) return <Unknown title={shellWords('notAllowed')} />;
  const Page = pageOf(route);
  if (Page)
    // Another camera is another page; another query is the same one.
    return <Opened key={at.parts.join('/')} Page={Page} params={found.params} at={at} />;
  return failed === route ? <Failed /> : <div class="page quiet">{shellWords('loading')}</div>;
}

const scrolled = new Map<string, number>();

function Opened({ Page, params, at }: { Page: ComponentType<PageProps>; params: PageProps['params']; at: Place }) {
  const path = at.parts.join('/');
  useLayoutEffect(() => {
    const top = scrolled.get(path);
    scrollTo(0, top ?? 0);
    return () => void scrolled.set(path, scrollY);
  }, [path]);
  return <Page params={params} query={at.query} />;
}

function Unknown({ title = shellWords('unknownPage') }: { title?: string }) {
  return (
    <div class="page">
      <PageHead title={title} />
      <Empty icon="help" title={title}>
        <p>{shellWords('unknownPageWhy')}</p>
        <a class="button" href={href('')}>
          {shellWords('toGrid')}
        </a>
      </Empty>
    </div>
  );
}

function Failed() {
  return (
    <div class="page">
      <PageHead title={shellWords('pageFailed')} />
      <Empty icon="offline" title={shellWords('pageFailed')}>
        <p>{shellWords('pageFailedWhy')}</p>
        <button type="button" class="button" onClick={() => location.reload()}>
          {shellWords('reload')}
        </button>
      </Empty>
    </div>
  );
}
