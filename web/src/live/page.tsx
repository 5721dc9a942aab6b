// The home page: all cameras at a glance, or those of a group.
import { useEffect, useState } from 'preact/hooks';
import type { GroupLayout } from '../../../src/api/contract.ts';
import { Empty } from '../components/notes.tsx';
import { PageHead } from '../components/page-head.tsx';
import { useKeys } from '../keys.ts';
import { preferences } from '../preferences.ts';
import { go, href } from '../router.ts';
import { isAtLeast, type PageProps } from '../routes.ts';
import { areGroupsKnown, cameraIds, groups, isKnown, me } from '../state.ts';
import { Grid } from './grid.tsx';
import { GridBar } from './grid-bar.tsx';
import { LAYOUTS } from './layout.ts';
import { liveWords } from './live-words.ts';
import { useWall } from './wall.ts';

export default function LivePage({ params, query }: PageProps) {
  const [hidden, setHidden] = useState<ReadonlySet<number>>(new Set());
  const wall = query.has('wall');
  const stirred = useWall(wall);
  const leave = () => go(location.hash.split('?')[0] || '#/');
  useKeys({ Escape: () => wall && leave() });
  const group = groups.value.find(({ id }) => String(id) === params.group);
  // A group of the address that is not known yet is not all cameras.
  const isWaiting = params.group !== undefined && !areGroupsKnown.value;
  const all = isWaiting ? [] : group ? group.cameras.filter(id => cameraIds.value.includes(id)) : cameraIds.value;
  const shown = all.filter(id => !hidden.has(id));
  const [ownLayout, setOwnLayout] = useState<GroupLayout>();
  useEffect(() => setOwnLayout(undefined), [params.group]);
  const layout = ownLayout ?? group?.layout ?? known(preferences.value.layout);
  const title = group?.name ?? liveWords('title');
  return (
    <div class="live-page" data-wall={wall}>
      {!wall && <GridBar group={group} layout={layout} cameras={all.length} onLayout={setOwnLayout} />}
      {wall && (
        <button type="button" class="button wall-leave" data-stirred={stirred} onClick={leave}>
          {liveWords('wallLeave')}
        </button>
      )}
      <PageHead title={title} section={group ? liveWords('title') : ''} unseen />
      {hidden.size > 0 && (
        <p class="grid-line dense">
          {liveWords('hidden', { n: hidden.size })}{' '}
          <button type="button" class="link" onClick={() => setHidden(new Set())}>
            {liveWords('showHidden')}
          </button>
        </p>
      )}
      {all.length > 0 && (
        <Grid
          key={params.group ?? ''}
          cameras={shown}
          layout={layout}
          tourS={preferences.value.tourS}
          isHome={params.group === undefined && hidden.size === 0}
          onHide={camera => setHidden(new Set([...hidden, camera]))}
        />
      )}
      {isKnown.value && !isWaiting && all.length === 0 && (group ? <EmptyGroup /> : <NoCamera />)}
    </div>
  );
}

function known(layout: string): GroupLayout {
  return LAYOUTS.find(name => name === layout) ?? 'auto';
}

function EmptyGroup() {
  return (
    <Empty icon="group" title={liveWords('noneGroup')}>
      <p>{liveWords('noneGroupWhy')}</p>
    </Empty>
  );
}

function NoCamera() {
  const isAdmin = isAtLeast(me.value?.role, 'admin');
  return (
    <Empty icon="camera" title={liveWords('none')}>
      <p>{liveWords(isAdmin ? 'noneAdmin' : 'noneOther')}</p>
      {isAdmin && (
        <a class="button" data-kind="primary" href={href('set/cameras/add')}>
          {liveWords('add')}
        </a>
      )}
    </Empty>
  );
}
