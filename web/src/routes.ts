// All pages: address, title, who may open it, and the piece of the program it lies in.
import type { ComponentType } from 'preact';
import type { Role } from '../../src/api/contract.ts';
import LoginPage from './account/login-page.tsx';
import LivePage from './live/page.tsx';
import { matchPath, type Place, parsePlace } from './router.ts';
import { me } from './state.ts';

export interface PageProps {
  /** What stands in the braces of the pattern. */
  params: Readonly<Record<string, string>>;
  query: URLSearchParams;
}

/** Which item of the navigation a page belongs to. */
export type Section = 'live' | 'timeline' | 'events' | 'health' | 'settings';

export interface PageRoute {
  pattern: string;
  /** Absent = before logging in. */
  section?: Section;
  /** The least role; absent = everybody, also who is not logged in. */
  role?: Role;
  load(): Promise<{ default: ComponentType<PageProps> }>;
  /** Of what is opened first: nobody waits for another piece of the program. */
  page?: ComponentType<PageProps>;
}

const here = (page: ComponentType<PageProps>) => ({ page, load: async () => ({ default: page }) });
const live = here(LivePage);
const viewer = (name: Exclude<keyof typeof import('./viewer-pages.ts'), `${string}Window`>) => async () => {
  const pages = await import('./viewer-pages.ts');
  return { default: pages[name] as ComponentType<PageProps> };
};

/** As `viewer`, of those who look after the board; a new page is exported there first. */
const keeper = (name: keyof typeof import('./keeper-pages.ts')) => async () => {
  const pages = await import('./keeper-pages.ts');
  return { default: pages[name] as ComponentType<PageProps> };
};
export const ROUTES: readonly PageRoute[] = [
  { pattern: '', section: 'live', role: 'viewer', ...live },
  { pattern: 'g/{group}', section: 'live', role: 'viewer', ...live },
  { pattern: 'cam/{id}', section: 'live', role: 'viewer', load: viewer('CameraPage') },
  { pattern: 'time', section: 'timeline', role: 'viewer', load: viewer('TimelinePage') },
  { pattern: 'events', section: 'events', role: 'viewer', load: viewer('EventsPage') },
  { pattern: 'event/{id}', section: 'events', role: 'viewer', load: viewer('EventPage') },
  { pattern: 'set/me', section: 'settings', role: 'viewer', load: viewer('MePage') },
  { pattern: 'setup', load: keeper('SetupPage') },
  { pattern: 'health', section: 'health', role: 'operator', load: keeper('HealthPage') },
  { pattern: 'set', section: 'settings', role: 'viewer', load: keeper('SettingsPage') },
  { pattern: 'set/cameras', section: 'settings', role: 'admin', load: keeper('CamerasPage') },
  { pattern: 'set/cameras/add', section: 'settings', role: 'admin', load: keeper('AddCameraPage') },
  { pattern: 'set/cameras/{id}', section: 'settings', role: 'admin', load: keeper('EditCameraPage') },
  { pattern: 'set/storage', section: 'settings', role: 'admin', load: keeper('StoragePage') },
  { pattern: 'set/events', section: 'settings', role: 'admin', load: keeper('WebhooksPage') },
  { pattern: 'set/mqtt', section: 'settings', role: 'admin', load: keeper('MqttPage') },
  { pattern: 'set/hub', section: 'settings', role: 'admin', load: keeper('HubPage') },
  { pattern: 'set/users', section: 'settings', role: 'admin', load: keeper('UsersPage') },
  { pattern: 'set/system', section: 'settings', role: 'admin', load: keeper('SystemPage') },
  { pattern: 'set/logs', section: 'settings', role: 'admin', load: keeper('LogsPage') },
  { pattern: 'login', ...here(LoginPage) },
];

/** The page of a place and what its braces hold; undefined when there is none. */
export function routeOf({ parts }: Place): { route: PageRoute; params: Record<string, string> } | undefined {
  for (const route of ROUTES) {
    const params = matchPath(route.pattern, parts);
    if (params) return { route, params };
  }
  return undefined;
}

/** Whether there is a page for it that the reader may open: links to others are not shown. */
export function hasPage(path: string): boolean {
  const found = routeOf(parsePlace(path));
  return found !== undefined && mayOpen(me.value?.role, found.route);
}

const RANK: Readonly<Record<Role, number>> = { viewer: 0, operator: 1, admin: 2 };

export function mayOpen(role: Role | undefined, route: PageRoute): boolean {
  return route.role === undefined || (role !== undefined && RANK[role] >= RANK[route.role]);
}

/** True when `role` may what `least` may. */
export function isAtLeast(role: Role | undefined, least: Role): boolean {
  return role !== undefined && RANK[role] >= RANK[least];
}
