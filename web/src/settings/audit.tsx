// The audit log: who did what to what, from where, newest first, a piece at a time.
import { useState } from 'preact/hooks';
import type { AuditAction, AuditEntry } from '../../../src/api/contract.ts';
import { call } from '../api.ts';
import { SelectField } from '../components/field.tsx';
import { ErrorNote } from '../components/notes.tsx';
import { moment } from '../time.ts';
import { now, zone } from '../zone.ts';
import { useAnswer } from './use-answer.ts';
import { AUDIT_ACTIONS, auditWords, usersWords } from './users-words.ts';

export function Audit() {
  const [{ action, cursor }, ask] = useState<{ action: AuditAction | ''; cursor?: string }>({ action: '' });
  const query = { ...(action ? { action } : {}), ...(cursor ? { cursor } : {}) };
  const { value, error } = useAnswer(signal => call('GET /api/audit', { query }, { signal }), JSON.stringify(query));
  const older = value?.cursor;
  return (
    <section class="card stack">
      <h2>{usersWords('audit')}</h2>
      <SelectField
        label={usersWords('action')}
        value={action}
        options={[
          { value: '', label: usersWords('any') },
          ...AUDIT_ACTIONS.map(one => ({ value: one, label: auditWords(one) })),
        ]}
        onPick={picked => ask({ action: picked as AuditAction | '' })}
      />
      {error && <ErrorNote error={error} />}
      {value?.entries.length === 0 && <p class="quiet">{usersWords('none')}</p>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys */}
      <ul class="set-log" tabIndex={0} aria-label={usersWords('audit')}>
        {value?.entries.map(entry => (
          <Line key={entry.id} entry={entry} />
        ))}
      </ul>
      <div class="row">
        {cursor && (
          <button type="button" class="button" onClick={() => ask({ action })}>
            {usersWords('newest')}
          </button>
        )}
        {older && (
          <button type="button" class="button" onClick={() => ask({ action, cursor: older })}>
            {usersWords('older')}
          </button>
        )}
      </div>
    </section>
  );
}

function Line({ entry: { timeMs, action, user, by, address, target, detail, count } }: { entry: AuditEntry }) {
  return (
    <li>
      <span class="quiet">{moment(timeMs, zone(), now())}</span> <strong>{user}</strong> {auditWords(action)} {target}{' '}
      <span class="quiet">{[detail, by === 'session' ? undefined : by, address].filter(Boolean).join(', ')}</span>{' '}
      {count && <span class="tag">{usersWords('times', { n: count })}</span>}
    </li>
  );
}
