// Brings back what a backup holds, step by step: what is there already is changed, what is missing is added, nothing is removed.
import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Actor } from '../accounts/index.ts';
import type { CameraPatch } from '../cameras/index.ts';
import { type CameraId, NvrError, redactText } from '../core/index.ts';
import { backupCamera, type ReadBackup, type ReadCamera } from './backup.ts';
import type { Camera, RestoreStep } from './contract.ts';
import type { ApiServices } from './services.ts';

interface Planned {
  step: RestoreStep;
  /** Absent where nothing is to be done. */
  apply?: () => Promise<unknown>;
}

const PASSWORD_NOTE = 'Backups hold no passwords: enter it again.';

export class Restore {
  readonly #services: ApiServices;
  readonly #actor: Actor;
  readonly #backup: ReadBackup;
  /** Cameras of the backup -> those here, as far as they are here already. */
  readonly #ids = new Map<CameraId, CameraId>();
  readonly #planned: Planned[];

  constructor(services: ApiServices, actor: Actor, backup: ReadBackup) {
    this.#services = services;
    this.#actor = actor;
    this.#backup = backup;
    for (const camera of backup.cameras) {
      const known = this.#known(camera);
      if (known) this.#ids.set(camera.id, known.id);
    }
    this.#planned = [
      ...backup.cameras.map(camera => this.#camera(camera)),
      ...backup.users.map(user => this.#user(user)),
      ...backup.groups.map(group => this.#group(group)),
      ...this.#settings(),
    ];
  }

  get steps(): RestoreStep[] {
    return this.#planned.map(({ step }) => step);
  }

  /** One after the other; what fails is told of in its step, and the rest goes on. */
  async apply(): Promise<void> {
    for (const { step, apply } of this.#planned) {
      if (apply) await this.#attempt(step, apply);
    }
    // Only now all cameras have their numbers.
    for (const camera of this.#backup.cameras) {
      const step = this.steps.find(one => one.what === 'camera' && one.name === camera.name);
      if (step && camera.events.alsoTrigger.length > 0) await this.#attempt(step, () => this.#passOn(camera));
    }
  }

  async #attempt(step: RestoreStep, apply: () => Promise<unknown>): Promise<void> {
    try {
      await apply();
    } catch (error) {
      if (!(error instanceof NvrError) || error.kind === 'internal') throw error;
      step.action = 'failed';
      step.note = [error.message, error.cure].filter(text => text !== undefined).join('. ');
    }
  }

  /** The same device: by its address, else by number and name. */
  #known(camera: ReadCamera): Camera | undefined {
    const all = this.#services.cameras.list();
    return (
      all.find(({ main }) => redactText(main.url) === camera.main.url) ??
      all.find(({ id, name }) => id === camera.id && name === camera.name)
    );
  }

  #mapped(ids: readonly CameraId[]): CameraId[] {
    return ids.flatMap(id => this.#ids.get(id) ?? []);
  }

  #camera(camera: ReadCamera): Planned {
    const { cameras, recordingSettled } = this.#services;
    const { id: oldId, hasPassword, ...wanted } = camera;
    const known = this.#known(camera);
    const isMissing =
      (hasPassword && !known?.hasPassword) ||
      (wanted.onvif?.hasPassword && !known?.onvif?.hasPassword) ||
      (!known && JSON.stringify(wanted).includes('=***'));
    const needs = isMissing ? { needs: 'password' as const, note: PASSWORD_NOTE } : {};
    const base = { what: 'camera' as const, name: camera.name };
    if (!known) {
      const add = async () => {
        const added = await cameras.add({ ...wanted, events: { ...wanted.events, alsoTrigger: [] } });
        this.#ids.set(oldId, added.id);
      };
      return { step: { ...base, action: 'add', ...needs }, apply: add };
    }
    if (known.provisioned !== undefined) {
      return { step: { ...base, action: 'skip', note: 'It comes from the configuration file.' } };
    }
    const here = backupCamera(known) as unknown as Record<string, unknown>;
    const there: Record<string, unknown> = {
      ...backupCamera({ ...(wanted as Camera), id: known.id, hasPassword }),
      events: { ...wanted.events, alsoTrigger: this.#mapped(wanted.events.alsoTrigger) },
    };
    const fields = [...new Set([...Object.keys(here), ...Object.keys(there)])].filter(
      field => field !== 'id' && field !== 'hasPassword' && !isSame(here[field], there[field]),
    );
    if (fields.length === 0) return { step: { ...base, action: 'same', ...needs } };
    // What the backup does not have goes.
    const patch = Object.fromEntries(fields.map(field => [field, whole(field, there[field], known)])) as CameraPatch;
    const change = async () => {
      await cameras.update(known.id, patch);
      await recordingSettled(known.id);
    };
    return { step: { ...base, action: 'change', fields, ...needs }, apply: change };
  }

  async #passOn(camera: ReadCamera): Promise<void> {
    const id = this.#ids.get(camera.id);
    const here = id === undefined ? undefined : this.#services.cameras.get(id);
    const alsoTrigger = this.#mapped(camera.events.alsoTrigger);
    if (!here || isDeepStrictEqual(here.events.alsoTrigger, alsoTrigger)) return;
    await this.#services.cameras.update(here.id, { events: { alsoTrigger } });
  }

  #user({ name, role, rights, cameras }: ReadBackup['users'][number]): Planned {
    const { users } = this.#services.accounts;
    const base = { what: 'user' as const, name };
    if (name === this.#actor.caller.name) return { step: { ...base, action: 'skip', note: 'It is you.' } };
    const known = users.list().find(user => user.name === name);
    const seen = () => cameras && this.#mapped(cameras);
    if (!known) {
      // Nobody knows it, so nobody gets in before an admin gives another.
      const password = () => randomBytes(24).toString('base64url');
      const add = () => users.add(this.#actor, { name, role, rights, cameras: seen(), password: password() });
      return { step: { ...base, action: 'add', needs: 'password', note: PASSWORD_NOTE }, apply: add };
    }
    const fields = [
      ...(known.role === role ? [] : ['role']),
      ...(isDeepStrictEqual(known.rights, rights) || role === 'admin' ? [] : ['rights']),
      ...(isDeepStrictEqual(known.cameras, seen()) ? [] : ['cameras']),
    ];
    if (fields.length === 0) return { step: { ...base, action: 'same' } };
    const change = () => users.change(this.#actor, known.id, { role, rights, cameras: seen() ?? null });
    return { step: { ...base, action: 'change', fields }, apply: change };
  }

  #group({ name, cameras, layout }: ReadBackup['groups'][number]): Planned {
    const { groups } = this.#services;
    const known = groups.list().find(group => group.name === name);
    const base = { what: 'group' as const, name };
    const group = () => ({ name, layout, cameras: this.#mapped(cameras) });
    if (!known) return { step: { ...base, action: 'add' }, apply: () => groups.add(group()) };
    const fields = [
      ...(known.layout === layout ? [] : ['layout']),
      ...(isDeepStrictEqual(known.cameras, group().cameras) ? [] : ['cameras']),
    ];
    if (fields.length === 0) return { step: { ...base, action: 'same' } };
    const change = () => groups.update(known.id, before => ({ ...before, ...group() }));
    return { step: { ...base, action: 'change', fields }, apply: change };
  }

  #settings(): Planned[] {
    const { storage, hosts } = this.#services;
    const { settings } = this.#backup;
    const base = { what: 'setting' as const };
    const stored = storage.settingsProvisioned
      ? { step: { ...base, name: 'storage', action: 'skip' as const, note: 'It comes from the configuration file.' } }
      : planned('storage', isDeepStrictEqual({ ...storage.settings(), ...settings.storage }, storage.settings()), () =>
          storage.updateSettings(settings.storage),
        );
    const sameHosts = isDeepStrictEqual([...hosts.names()], settings.hosts);
    return [
      stored,
      this.#webhooks(),
      ...this.#mqtt(),
      ...this.#go2rtc(),
      ...this.#restream(),
      planned('hosts', sameHosts, () => hosts.update(settings.hosts)),
    ];
  }

  /** The password and the key that are here stay. */
  #mqtt(): Planned[] {
    const { mqtt } = this.#services;
    const { mqtt: wanted } = this.#backup.settings;
    if (!wanted) return [];
    const base = { what: 'setting' as const, name: 'mqtt' };
    if (mqtt.settingsProvisioned)
      return [{ step: { ...base, action: 'skip', note: 'It comes from the configuration file.' } }];
    const { hasPassword, hasKey, ...here } = mqtt.settings();
    const { hasPassword: hadPassword, hasKey: hadKey, ...rest } = wanted;
    const gone = { username: null, ca: null, cert: null };
    const result = planned('mqtt', isDeepStrictEqual(here, rest), () => mqtt.update({ ...gone, ...rest }));
    if ((hadPassword && !hasPassword) || (hadKey && !hasKey)) {
      Object.assign(result.step, { needs: 'password', note: 'Backups hold no secrets: enter it again.' });
    }
    return [result];
  }

  #go2rtc(): Planned[] {
    const { preferences } = this.#services.go2rtc;
    const { go2rtc: wanted } = this.#backup.settings;
    if (!wanted) return [];
    if (preferences.isProvisioned) {
      const note = 'It comes from the configuration file.';
      return [{ step: { what: 'setting', name: 'go2rtc', action: 'skip', note } }];
    }
    const here = preferences.get();
    return [planned('go2rtc', isDeepStrictEqual({ ...here, ...wanted }, here), () => preferences.update(wanted))];
  }

  /** Users that are here stay, with their secrets; others need a new one. */
  #restream(): Planned[] {
    const { restream } = this.#services;
    const { restream: wanted } = this.#backup.settings;
    if (!wanted) return [];
    const base = { what: 'setting' as const, name: 'restream' };
    if (restream.settingsProvisioned)
      return [{ step: { ...base, action: 'skip', note: 'It comes from the configuration file.' } }];
    const here = restream.settings();
    const users = () => {
      const given = (wanted.users ?? []).map(({ name, cameras }) => ({
        name,
        cameras: cameras === 'all' ? cameras : this.#mapped(cameras),
      }));
      const others = here.users.filter(({ name }) => !given.some(user => user.name === name));
      return [...given, ...others.map(({ name, cameras }) => ({ name, cameras }))];
    };
    const whole = () => ({ ...here, ...wanted, users: users() });
    const same = { ...here, users: here.users.map(({ name, cameras }) => ({ name, cameras })) };
    const result = planned('restream', isDeepStrictEqual(same, whole()), () => restream.update(whole()));
    if (wanted.users?.some(({ name }) => !here.users.find(user => user.name === name)?.hasSecret)) {
      Object.assign(result.step, { needs: 'secret', note: 'Backups hold no secrets: have new ones made.' });
    }
    return [result];
  }

  /** Secrets of those that are here stay; others have to be entered again. */
  #webhooks(): Planned {
    const { webhooks } = this.#services;
    const here = webhooks.list();
    const wanted = this.#backup.settings.webhooks;
    const list = () =>
      wanted.map(({ hasSecret: _, ...hook }) => ({
        ...hook,
        ...(hook.cameras ? { cameras: this.#mapped(hook.cameras) } : {}),
      }));
    const isLost = wanted.some(({ id, hasSecret }) => hasSecret && !here.find(one => one.id === id)?.hasSecret);
    const strip = (hooks: readonly object[]) => hooks.map(hook => ({ ...hook, hasSecret: undefined }));
    const result = planned('webhooks', isDeepStrictEqual(strip(here), strip(list())), async () => {
      webhooks.check(list());
      await webhooks.update(list());
    });
    if (isLost) Object.assign(result.step, { needs: 'secret', note: 'Backups hold no secrets: enter it again.' });
    return result;
  }
}

/** A patch leaves what it does not name: here that is to go. */
function whole(field: string, value: unknown, known: Camera): unknown {
  if (value === undefined) return null;
  if (field === 'main' || field === 'sub') {
    const { url, fallbackUrls, ...rest } = value as Camera['main'];
    const here = known[field];
    // What is the same but for the password that the backup leaves out stays as it is.
    const addresses = [here?.url, ...(here?.fallbackUrls ?? [])].filter(one => one !== undefined);
    const own = (address: string) => addresses.find(one => redactText(one) === address) ?? address;
    return { ...rest, url: own(url), fallbackUrls: fallbackUrls?.map(own) ?? null };
  }
  if (field === 'onvif') return { kinds: null, videoSource: null, username: null, ...(value as object) };
  return field === 'record' ? { schedule: null, ...(value as object) } : value;
}

/** Whether there is a password says nothing about which. */
function isSame(here: unknown, there: unknown): boolean {
  const bare = (value: unknown) =>
    typeof value === 'object' && value !== null && 'hasPassword' in value
      ? { ...value, hasPassword: undefined }
      : value;
  return isDeepStrictEqual(bare(here), bare(there));
}

function planned(name: string, isSame: boolean, apply: () => Promise<unknown>): Planned {
  const step: RestoreStep = { what: 'setting', name, action: isSame ? 'same' : 'change' };
  return isSame ? { step } : { step, apply };
}
