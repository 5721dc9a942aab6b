// Making and changing groups of cameras.
import { useState } from 'preact/hooks';
import type { Group, GroupLayout } from '../../../src/api/contract.ts';
import { type ApiError, call, type Result } from '../api.ts';
import { Dialog } from '../components/dialog.tsx';
import { SelectField, TextField } from '../components/field.tsx';
import { words } from '../components/form.tsx';
import { Icon } from '../components/icon.tsx';
import { ErrorNote } from '../components/notes.tsx';
import { toast } from '../components/toast.tsx';
import { refreshGroups } from '../session.ts';
import type { WindowProps } from '../shell/global-keys.tsx';
import { shellWords } from '../shell/shell-words.ts';
import { allCameras, cameraName, groups } from '../state.ts';
import { layoutName } from './grid-bar.tsx';
import { groupsWords } from './groups-words.ts';
import { LAYOUTS } from './layout.ts';
import { Sortable } from './sortable.tsx';

type Draft = Omit<Group, 'id'> & { id?: number };

const EMPTY: Draft = { name: '', cameras: [], layout: 'auto' };

export function GroupsWindow({ onClose }: WindowProps) {
  const [draft, setDraft] = useState<Draft>();
  const [error, setError] = useState<ApiError>();
  const done = async (answer: Result<unknown>): Promise<boolean> => {
    setError(answer.is === 'error' ? answer.error : undefined);
    if (answer.is === 'ok') await refreshGroups();
    return answer.is === 'ok';
  };
  const remove = async (group: Group) => {
    const { id, ...rest } = group;
    if (!(await done(await call('DELETE /api/groups/{id}', { params: { id } })))) return;
    const undo = async () => void (await done(await call('POST /api/groups', { body: rest })));
    toast(groupsWords('removed', { name: group.name }), { onUndo: () => void undo() });
  };
  const save = async ({ id, ...body }: Draft) => {
    const answer =
      id === undefined
        ? await call('POST /api/groups', { body })
        : await call('PATCH /api/groups/{id}', { params: { id }, body });
    if (await done(answer)) setDraft(undefined);
  };
  const sort = async (order: number[]) => done(await call('PATCH /api/groups', { body: { order } }));
  if (draft) {
    const back = () => {
      setDraft(undefined);
      setError(undefined);
    };
    return (
      <Dialog title={draft.name || groupsWords('add')} onClose={onClose}>
        <GroupForm draft={draft} error={error} onChange={setDraft} onSave={() => void save(draft)} onBack={back} />
      </Dialog>
    );
  }
  const items = groups.value.map(group => ({
    key: group.id,
    name: group.name,
    children: (
      <>
        <span class="quiet dense">{groupsWords('count', { n: group.cameras.length })}</span>
        <IconButton icon="edit" label={groupsWords('edit', { name: group.name })} onClick={() => setDraft(group)} />
        <IconButton
          icon="trash"
          label={groupsWords('remove', { name: group.name })}
          onClick={() => void remove(group)}
        />
      </>
    ),
  }));
  return (
    <Dialog title={groupsWords('title')} onClose={onClose}>
      <div class="stack">
        {items.length === 0 && <p>{groupsWords('none')}</p>}
        <Sortable items={items} {...labels} onOrder={order => void sort(order)} />
        {error && <ErrorNote error={error} />}
        <div class="row">
          <button type="button" class="button" data-kind="primary" onClick={() => setDraft(EMPTY)}>
            <Icon name="plus" />
            {groupsWords('add')}
          </button>
        </div>
      </div>
    </Dialog>
  );
}

const labels = {
  upLabel: (name: string) => groupsWords('up', { name }),
  downLabel: (name: string) => groupsWords('down', { name }),
};

interface GroupFormProps {
  draft: Draft;
  error: ApiError | undefined;
  onChange(draft: Draft): void;
  onSave(): void;
  onBack(): void;
}

function GroupForm({ draft, error, onChange, onSave, onBack }: GroupFormProps) {
  const { name, layout, cameras } = draft;
  const others = allCameras().filter(({ id }) => !cameras.includes(id));
  const put = (list: number[]) => onChange({ ...draft, cameras: list });
  const submit = (event: Event) => {
    event.preventDefault();
    onSave();
  };
  const nameError = error?.field === 'name' ? words(error) : undefined;
  return (
    <form class="stack" onSubmit={submit} noValidate>
      <TextField
        label={groupsWords('name')}
        value={name}
        error={nameError}
        onInput={typed => onChange({ ...draft, name: typed })}
      />
      <SelectField<GroupLayout>
        label={groupsWords('layout')}
        value={layout}
        options={LAYOUTS.map(value => ({ value, label: layoutName(value) }))}
        onPick={picked => onChange({ ...draft, layout: picked })}
      />
      <div>
        <h3>{groupsWords('cameras')}</h3>
        {cameras.length === 0 && <p class="quiet">{groupsWords('empty')}</p>}
        <Sortable
          {...labels}
          onOrder={put}
          items={cameras.map(id => ({
            key: id,
            name: cameraName(id),
            children: (
              <IconButton
                icon="minus"
                label={groupsWords('out', { name: cameraName(id) })}
                onClick={() => put(cameras.filter(other => other !== id))}
              />
            ),
          }))}
        />
      </div>
      {others.length > 0 && (
        <div>
          <h3>{groupsWords('others')}</h3>
          <ul class="sortable">
            {others.map(camera => (
              <li key={camera.id}>
                <span class="grow">{camera.name}</span>
                <IconButton
                  icon="plus"
                  label={groupsWords('into', { name: camera.name })}
                  onClick={() => put([...cameras, camera.id])}
                />
              </li>
            ))}
          </ul>
        </div>
      )}
      {error && nameError === undefined && <ErrorNote error={error} />}
      <div class="row">
        <button type="submit" class="button" data-kind="primary">
          {shellWords('save')}
        </button>
        <button type="button" class="button" onClick={onBack}>
          {groupsWords('back')}
        </button>
      </div>
    </form>
  );
}

function IconButton({
  icon,
  label,
  onClick,
}: {
  icon: 'edit' | 'trash' | 'plus' | 'minus';
  label: string;
  onClick(): void;
}) {
  return (
    <button type="button" class="button" data-kind="plain" aria-label={label} title={label} onClick={onClick}>
      <Icon name={icon} />
    </button>
  );
}
