// Groups of cameras over HTTP.
import { type Caller, seesCamera } from '../accounts/index.ts';
import { type CameraId, NvrError } from '../core/index.ts';
import type { Group, GroupList } from './contract.ts';
import { groupOrderSchema, groupPatchSchema, newGroupSchema, seenGroup } from './groups.ts';
import { jsonReply } from './json-reply.ts';
import { route } from './router.ts';
import type { ApiServices } from './services.ts';

export function groupRoutes({ groups, cameras }: ApiServices) {
  const isThere = (id: CameraId) => cameras.get(id) !== undefined;
  const seenBy = (caller: Caller) => (id: CameraId) => seesCamera(caller, id) && isThere(id);
  /** Cameras that are gone are in no group: one without others is empty, and everybody's to remove. */
  const seen = (group: Group, caller: Caller) =>
    seenGroup({ ...group, cameras: group.cameras.filter(isThere) }, id => seesCamera(caller, id));
  const listFor = (caller: Caller): GroupList => ({
    groups: groups.list().flatMap(group => seen(group, caller) ?? []),
  });
  /** What a caller may not see does not exist for it. */
  const checkSeen = (group: Group, caller: Caller) => {
    if (!seen(group, caller)) throw noGroup();
  };
  return [
    route('GET', '/api/groups', {
      identity: 'viewer',
      summary: 'Groups of cameras, in their order.',
      handle: ({ caller }) => jsonReply(200, listFor(caller)),
    }),
    route('POST', '/api/groups', {
      identity: 'operator',
      summary: 'Adds a group.',
      audit: 'add',
      body: newGroupSchema,
      cameras: ({ body }) => body.cameras,
      handle: async ({ body }) => {
        const group = await groups.add(body);
        return jsonReply(201, group, { Location: `/api/groups/${group.id}` });
      },
    }),
    route('PATCH', '/api/groups', {
      identity: 'operator',
      summary: 'Puts the groups into another order.',
      audit: 'change',
      body: groupOrderSchema,
      handle: async ({ body, caller }) => {
        await groups.sort(body.order, group => seen(group, caller) !== undefined);
        return jsonReply(200, listFor(caller));
      },
    }),
    route('PATCH', '/api/groups/{id}', {
      identity: 'operator',
      summary: 'Changes a group.',
      audit: 'change',
      body: groupPatchSchema,
      cameras: ({ body }) => body.cameras ?? [],
      handle: async ({ params, body, caller }) => {
        const sees = seenBy(caller);
        const group = await groups.update(groupId(params.id), before => {
          checkSeen(before, caller);
          return changed(before, body, sees);
        });
        return jsonReply(200, seen(group, caller) ?? { ...group, cameras: [] });
      },
    }),
    route('DELETE', '/api/groups/{id}', {
      identity: 'operator',
      summary: 'Removes a group. Its cameras stay.',
      audit: 'remove',
      handle: async ({ params, caller }) => {
        await groups.remove(groupId(params.id), before => checkSeen(before, caller));
        return { status: 204 };
      },
    }),
  ];
}

/** Cameras that the caller does not see stay in it. */
function changed(
  before: Group,
  {
    name,
    cameras,
    layout,
  }: { name?: string | undefined; cameras?: CameraId[] | undefined; layout?: Group['layout'] | undefined },
  sees: (camera: CameraId) => boolean,
): Group {
  const unseen = before.cameras.filter(camera => !sees(camera) && !cameras?.includes(camera));
  return {
    ...before,
    ...(name === undefined ? {} : { name }),
    ...(cameras === undefined ? {} : { cameras: [...cameras, ...unseen] }),
    ...(layout === undefined ? {} : { layout }),
  };
}

function groupId(text: string | undefined): number {
  if (!/^[1-9]\d{0,8}$/.test(text ?? '')) throw noGroup();
  return Number(text);
}

function noGroup(): NvrError {
  return new NvrError('not-found', 'there is no such group');
}
