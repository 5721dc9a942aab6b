// The bar above the grid: groups, layout, and how pictures are shown on this device.
import type { ComponentType } from 'preact';
import { useState } from 'preact/hooks';
import type { Group, GroupLayout } from '../../../src/api/contract.ts';
import { Icon } from '../components/icon.tsx';
import { Menu, type MenuItem } from '../components/menu.tsx';
import { prefer, preferences, type SaverChoice } from '../preferences.ts';
import { go, href } from '../router.ts';
import { isAtLeast } from '../routes.ts';
import { toggleFullscreen, type WindowProps } from '../shell/global-keys.tsx';
import { groups, me } from '../state.ts';
import { LAYOUTS } from './layout.ts';
import { liveNames, liveWords } from './live-words.ts';

export interface GridBarProps {
  /** Undefined = all cameras. */
  group: Group | undefined;
  layout: GroupLayout;
  cameras: number;
  onLayout(layout: GroupLayout): void;
}

const SAVERS: readonly [SaverChoice, 'saverAuto' | 'saverLive' | 'saverOn'][] = [
  ['auto', 'saverAuto'],
  ['live', 'saverLive'],
  ['saver', 'saverOn'],
];
const TOURS_S = [10, 30, 60];

export function GridBar({ group, layout, cameras, onLayout }: GridBarProps) {
  const pick = (picked: GroupLayout) => {
    onLayout(picked);
    if (!group) prefer({ layout: picked });
  };
  return (
    <div class="grid-bar">
      <GroupTabs group={group} />
      <div class="row">
        {cameras > 1 && (
          <Menu
            label={liveWords('layout', { name: layoutName(layout) })}
            items={LAYOUTS.map(name => ({
              label: layoutName(name),
              checked: name === layout,
              onPick: () => pick(name),
            }))}
          >
            <Icon name="live" />
            <span>{layoutName(layout)}</span>
            <Icon name="down" />
          </Menu>
        )}
        <MoreMenu />
      </div>
    </div>
  );
}

/** As menus show it. */
export function layoutName(layout: GroupLayout): string {
  if (layout === 'auto' || layout === 'list') return liveNames(layout);
  return layout.replace('x', ' × ').replace('+', ' + ');
}

function GroupTabs({ group }: { group: Group | undefined }) {
  if (groups.value.length === 0) return <span />;
  const tab = (path: string, name: string, isOpen: boolean) => (
    <a key={path} class="button" href={href(path)} aria-current={isOpen ? 'page' : undefined}>
      {name}
    </a>
  );
  return (
    <nav class="choices scroll-x" aria-label={liveWords('groups')}>
      {tab('', liveWords('all'), group === undefined)}
      {groups.value.map(({ id, name }) => tab(`g/${id}`, name, id === group?.id))}
    </nav>
  );
}

function MoreMenu() {
  const [Window, setWindow] = useState<ComponentType<WindowProps>>();
  const editGroups = async () => {
    const { GroupsWindow } = await import('../viewer-pages.ts');
    setWindow(() => GroupsWindow);
  };
  const { saver, tourS } = preferences.value;
  const items: MenuItem[] = [
    { label: liveWords('fullscreen'), icon: 'fullscreen', onPick: toggleFullscreen },
    { label: liveWords('wall'), icon: 'live', onPick: () => go(`${location.hash.split('?')[0] || '#/'}?wall=1`) },
    ...(isAtLeast(me.value?.role, 'operator')
      ? [{ label: liveWords('editGroups'), icon: 'group' as const, onPick: () => void editGroups() }]
      : []),
    ...SAVERS.map(([value, key]) => ({
      label: liveNames(key),
      checked: saver === value,
      onPick: () => prefer({ saver: value }),
    })),
    ...[0, ...TOURS_S].map(seconds => ({
      label: seconds === 0 ? liveWords('tourOff') : liveWords('tour', { n: seconds }),
      checked: tourS === seconds,
      onPick: () => prefer({ tourS: seconds }),
    })),
  ];
  return (
    <>
      <Menu label={liveWords('more')} items={items}>
        <Icon name="more" />
      </Menu>
      {Window && <Window onClose={() => setWindow(undefined)} />}
    </>
  );
}
