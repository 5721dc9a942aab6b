// What this browser keeps about how the pages look and behave.
import { Check, SelectField } from '../components/field.tsx';
import { prefer, preferences } from '../preferences.ts';
import { groups, me } from '../state.ts';
import { viewerZone } from '../time.ts';
import { meWords } from './me-words.ts';

export function DevicePreferences() {
  const { theme, zone, saver, gaps, start, shortcuts, compact } = preferences.value;
  const board = me.value?.timeZone ?? '';
  return (
    <section class="card stack">
      <div>
        <h2>{meWords('device')}</h2>
        <p class="quiet dense">{meWords('deviceHint')}</p>
      </div>
      <SelectField
        label={meWords('theme')}
        value={theme ?? 'system'}
        options={[
          { value: 'system', label: meWords('themeSystem') },
          { value: 'dark', label: meWords('themeDark') },
          { value: 'light', label: meWords('themeLight') },
        ]}
        onPick={picked => prefer({ theme: picked === 'system' ? undefined : picked })}
      />
      <SelectField
        label={meWords('zone')}
        value={zone}
        options={[
          { value: 'viewer', label: meWords('zoneViewer', { name: viewerZone() }) },
          { value: 'board', label: meWords('zoneBoard', { name: board }) },
        ]}
        onPick={picked => prefer({ zone: picked })}
      />
      <SelectField
        label={meWords('saver')}
        value={saver}
        options={[
          { value: 'auto', label: meWords('saverAuto') },
          { value: 'live', label: meWords('saverLive') },
          { value: 'saver', label: meWords('saverSaver') },
        ]}
        onPick={picked => prefer({ saver: picked })}
      />
      <SelectField
        label={meWords('gaps')}
        value={gaps}
        options={[
          { value: 'skip', label: meWords('gapsSkip') },
          { value: 'ask', label: meWords('gapsAsk') },
        ]}
        onPick={picked => prefer({ gaps: picked })}
      />
      {groups.value.length > 0 && (
        <SelectField
          label={meWords('start')}
          value={start}
          options={[
            { value: '', label: meWords('startAll') },
            ...groups.value.map(({ id, name }) => ({ value: `g/${id}`, label: name })),
          ]}
          onPick={picked => prefer({ start: picked })}
        />
      )}
      <Check
        label={meWords('shortcuts')}
        hint={meWords('shortcutsHint')}
        checked={shortcuts}
        onChange={on => prefer({ shortcuts: on })}
      />
      <Check label={meWords('compact')} checked={compact} onChange={on => prefer({ compact: on })} />
    </section>
  );
}
