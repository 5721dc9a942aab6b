// The list of all settings.
import { PageHead } from '../components/page-head.tsx';
import { href } from '../router.ts';
import { hasPage } from '../routes.ts';
import { settingsNames, settingsWords } from './settings-words.ts';

const PAGES = ['cameras', 'storage', 'events', 'mqtt', 'hub', 'users', 'system', 'logs', 'me'] as const;

export default function SettingsPage() {
  return (
    <div class="page">
      <PageHead title={settingsWords('title')} />
      <ul class="set-list">
        {PAGES.filter(page => hasPage(`set/${page}`)).map(page => (
          <li key={page}>
            <a class="card" href={href(`set/${page}`)}>
              <strong>{settingsNames(page)}</strong>
              <span class="quiet dense">{settingsNames(`${page}Hint`)}</span>
            </a>
          </li>
        ))}
      </ul>
    </div>
  );
}
