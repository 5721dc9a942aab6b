// The way from page to page: a bar below on phones, a rail at the side on wide screens.
import { Icon, type IconName } from '../components/icon.tsx';
import { prefer, preferences } from '../preferences.ts';
import { href, place } from '../router.ts';
import { hasPage, isAtLeast, routeOf, type Section } from '../routes.ts';
import { me, problems, unseenEvents } from '../state.ts';
import { shellWords } from './shell-words.ts';

interface Item {
  section: Section;
  icon: IconName;
  path: string;
  label: string;
}

/** In their order, for the keys 1 to 5 too; only those that there are and that the reader may open. */
export function navigationItems(): Item[] {
  const isAdmin = isAtLeast(me.value?.role, 'admin');
  const items: Item[] = [
    { section: 'live', icon: 'live', path: '', label: shellWords('live') },
    { section: 'timeline', icon: 'timeline', path: 'time', label: shellWords('timeline') },
    { section: 'events', icon: 'events', path: 'events', label: shellWords('events') },
    { section: 'health', icon: 'health', path: 'health', label: shellWords('health') },
    {
      section: 'settings',
      icon: 'settings',
      path: isAdmin ? 'set' : 'set/me',
      label: shellWords(isAdmin ? 'settings' : 'account'),
    },
  ];
  return items.filter(({ path }) => hasPage(path));
}

export function Navigation() {
  const section = routeOf(place.value)?.route.section;
  const path = place.value.parts.join('/');
  return (
    <nav class="nav" id="nav" aria-label={shellWords('pages')}>
      <ul>
        {navigationItems().map(item => (
          <li key={item.section}>
            <a
              class="nav-item"
              href={href(item.path)}
              title={item.label}
              aria-current={
                item.section === section && !(path === 'set/me' && item.path === 'set') ? 'page' : undefined
              }
            >
              <Icon name={item.icon} />
              <span>{item.label}</span>
              <Mark section={item.section} />
            </a>
          </li>
        ))}
        {me.value && (
          <li class="nav-account">
            <a class="nav-item" href={href('set/me')} aria-current={path === 'set/me' ? 'page' : undefined}>
              <Icon name="user" />
              <span>{me.value.name}</span>
            </a>
          </li>
        )}
      </ul>
      <button
        type="button"
        class="nav-pin"
        aria-label={shellWords('pinned')}
        title={shellWords('pinned')}
        aria-pressed={preferences.value.pinned}
        onClick={() => prefer({ pinned: !preferences.value.pinned })}
      >
        <Icon name={preferences.value.pinned ? 'back' : 'forward'} />
      </button>
    </nav>
  );
}

function Mark({ section }: { section: Section }) {
  const count = section === 'events' ? (unseenEvents.value ?? 0) : section === 'health' ? problems.value.length : 0;
  if (count === 0) return null;
  if (section === 'events')
    return (
      <>
        <span class="nav-mark" aria-hidden="true">
          {count > 99 ? '99+' : count}
        </span>
        <span class="unseen">{shellWords('unseen', { n: count > 99 ? '99+' : count })}</span>
      </>
    );
  const grave = problems.value.some(({ kind }) => kind !== 'sub-stream' && kind !== 'no-audio' && kind !== 'long-gop');
  return (
    <>
      <span class="nav-mark" data-dot={grave ? 'danger' : 'warn'} />
      <span class="unseen">{shellWords('problems', { n: count })}</span>
    </>
  );
}
