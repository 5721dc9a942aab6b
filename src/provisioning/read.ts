// Reads a configuration file: text, values from elsewhere, schema; every refusal says where and what to write instead.
import { isUtf8 } from 'node:buffer';
import * as v from 'valibot';
import { checkPassword, nameKey, type Right, type Role } from '../accounts/index.ts';
import { checkCamera, type Hub, type NewCamera, type ProvisionedCamera } from '../cameras/index.ts';
import { fromSystem, NvrError, parseInput } from '../core/index.ts';
import type { Go2rtcPreferences } from '../go2rtc/index.ts';
import { checkMqtt, type MqttInput } from '../mqtt/index.ts';
import { checkFloors, type StorageSettings } from '../recording/index.ts';
import { checkRestream, restreamSecretSchema } from '../restream/index.ts';
import {
  type CameraInput,
  fileSchema,
  KEY_PATTERN,
  MAX_KEY_CHARS,
  type MqttFileInput,
  type RestreamFileInput,
  type UserInput,
} from './file-schema.ts';
import { readBounded } from './read-bounded.ts';
import { type Environment, readPassword, substitute } from './secrets.ts';
import { Source } from './source.ts';
import { find, type TreeMap, toData } from './tree.ts';
import { parseYaml } from './yaml.ts';

const MAX_FILE_BYTES = 256 * 1024;
const OBJECT_CURE = 'Write its fields below it, indented; {} for none.';

/** A user as the file gives it. */
export interface WantedUser {
  key: string;
  name: string;
  password: string;
  role: Role;
  rights: Right[];
  /** Keys of cameras in the file; absent = all. */
  cameras?: string[];
}

/** Restreaming as the file gives it: `cameras` are keys in it; absent = all. */
export interface WantedRestream {
  enabled: boolean;
  listen: string;
  users: { name: string; secret: string; cameras?: string[] }[];
}

/** What a file wants. A section that it leaves out is none of its business. */
export interface Configuration {
  /** Absolute. */
  path: string;
  cameras?: ProvisionedCamera[];
  users?: WantedUser[];
  storage?: StorageSettings;
  mqtt?: MqttInput;
  go2rtc?: Go2rtcPreferences;
  restream?: WantedRestream;
  /** Runs a check whose refusals name a field below `prefix`; they then say where in the file that is. */
  check(prefix: string, action: () => void): void;
}

export interface ReadOptions {
  environment: Environment;
  allowLoopback: boolean;
  hub: Pick<Hub, 'refusal'>;
}

/** Rejects with `invalid-argument` for anything that is not wholly usable: with line and column, the field and a cure. */
export async function readConfiguration(path: string, options: ReadOptions): Promise<Configuration> {
  const source = new Source(path, await readText(path));
  const tree = parseYaml(source);
  const file = { source, tree };
  const data = toData(tree, (text, offset) => {
    try {
      return substitute(text, options.environment);
    } catch (error) {
      throw at(source, offset, error);
    }
  });
  const { cameras, users, settings } = check(file, data);
  const configuration: Configuration = { path, check: (prefix, action) => within(file, prefix, action) };
  if (cameras) {
    configuration.cameras = [];
    for (const [key, input] of Object.entries(cameras)) {
      const camera = { key, input: await completed(file, key, input) };
      within(file, `cameras.${key}`, () => checkCamera(camera.input, options));
      configuration.cameras.push(camera);
    }
  }
  if (users) configuration.users = await readUsers(file, users, cameras ?? {});
  const storage = settings?.storage;
  if (storage) {
    within(file, 'settings', () => checkFloors(storage));
    configuration.storage = storage;
  }
  if (settings?.restream) configuration.restream = await readRestream(file, settings.restream, cameras ?? {});
  if (settings?.mqtt) configuration.mqtt = await readMqtt(file, settings.mqtt);
  if (settings?.go2rtc) configuration.go2rtc = settings.go2rtc;
  return configuration;
}

interface File {
  source: Source;
  tree: TreeMap;
}

async function readText(path: string): Promise<string> {
  const refuse = (message: string, cure: string) => new NvrError('invalid-argument', `${path} ${message}`, { cure });
  const content = await readBounded(path, MAX_FILE_BYTES).catch((error: unknown) => {
    const { message } = fromSystem(error, 'cannot be read');
    throw refuse(message, 'Check the path behind --config and the rights of the file.');
  });
  if (!content) throw refuse('is too long', `Use at most ${MAX_FILE_BYTES} bytes.`);
  if (!isUtf8(content)) throw refuse('is not a text in UTF-8', 'Save it as UTF-8.');
  return content.toString('utf8');
}

function check({ source, tree }: File, data: unknown) {
  // To the schema an empty list is an object without fields.
  for (const [name, { keyOffset, value }] of tree.entries) {
    if (value.kind === 'list') throw source.refuse(keyOffset, `"${name}" is not usable`, OBJECT_CURE, name);
  }
  const keysOf = (name: 'cameras' | 'users', what: string) => {
    const section = tree.entries.get(name)?.value;
    if (section?.kind !== 'map') return undefined;
    for (const [key, { keyOffset }] of section.entries) {
      if (KEY_PATTERN.test(key)) continue;
      const cure = `Use lower-case letters, digits, - and _, at most ${MAX_KEY_CHARS}; the name may be anything.`;
      throw source.refuse(keyOffset, `this cannot be the key of a ${what}`, cure, name);
    }
    return [...section.entries.keys()];
  };
  const schema = fileSchema({ cameras: keysOf('cameras', 'camera'), users: keysOf('users', 'user') });
  return within({ source, tree }, '', () => parseInput(schema, data, 'the file', OBJECT_CURE));
}

/** The input as the API would take it. */
async function completed(file: File, key: string, input: CameraInput): Promise<NewCamera> {
  const { passwordFile: _passwordFile, name, onvif, ...rest } = input;
  const password = await passwordOf(file, `cameras.${key}`, input);
  return {
    ...{ ...rest, name: name ?? key },
    ...(password !== undefined && { password }),
    ...(onvif && { onvif: await completedOnvif(file, `cameras.${key}.onvif`, onvif) }),
  };
}

async function completedOnvif(file: File, place: string, input: NonNullable<CameraInput['onvif']>) {
  const { passwordFile: _passwordFile, ...rest } = input;
  const password = await passwordOf(file, place, input);
  return { ...rest, ...(password !== undefined && { password }) };
}

async function passwordOf(
  file: File,
  prefix: string,
  { password, passwordFile }: { password?: string | null | undefined; passwordFile?: string | undefined },
): Promise<string | null | undefined> {
  return secretOf(file, `${prefix}.passwordFile`, password, passwordFile);
}

/** From the file itself or one of its own, which `field` names; undefined when there is none. */
async function secretOf(
  { source, tree }: File,
  field: string,
  secret: string | null | undefined,
  path: string | undefined,
): Promise<string | null | undefined> {
  if (path === undefined) return secret;
  const { offset } = find(tree, field);
  if (typeof secret === 'string') {
    const what = field.endsWith('passwordFile') ? 'a password' : 'a key';
    throw source.refuse(offset, `"${field}" stands beside ${what}`, 'Give one of them.', field);
  }
  try {
    return await readPassword(path, source.path);
  } catch (error) {
    throw at(source, offset, error, field);
  }
}

async function readMqtt(file: File, { passwordFile, keyFile, ...input }: MqttFileInput): Promise<MqttInput> {
  const section = 'settings.mqtt';
  const password = await passwordOf(file, section, { password: input.password, passwordFile });
  const key = await secretOf(file, `${section}.keyFile`, input.key, keyFile);
  const mqtt: MqttInput = { ...input, ...(password !== undefined && { password }), ...(key !== undefined && { key }) };
  within(file, 'settings', () =>
    checkMqtt({
      ...{ enabled: mqtt.enabled, url: mqtt.url, protocol: mqtt.protocol },
      ...{ prefix: mqtt.prefix, discoveryPrefix: mqtt.discoveryPrefix },
      ...(mqtt.username !== null && { username: mqtt.username }),
      ...(mqtt.ca !== null && { ca: mqtt.ca }),
      ...(mqtt.cert !== null && { cert: mqtt.cert }),
      ...(typeof password === 'string' && { password }),
      ...(typeof key === 'string' && { key }),
    }),
  );
  return mqtt;
}

async function readRestream(file: File, input: RestreamFileInput, cameras: object): Promise<WantedRestream> {
  const users: WantedRestream['users'] = [];
  within(file, 'settings', () => checkRestream(input.users));
  for (const [i, { name, cameras: seen, secret: own, secretFile }] of input.users.entries()) {
    const place = `settings.restream.users.${i}`;
    const secret = await secretOf(file, `${place}.secretFile`, own, secretFile);
    within(file, place, () => {
      const refuse = (field: string, message: string, cure: string) =>
        new NvrError('invalid-argument', message, { field, cure });
      if (typeof secret !== 'string') throw refuse('', 'this login has no secret', 'Add secret or secretFile.');
      const checked = v.safeParse(restreamSecretSchema, secret);
      if (!checked.success) {
        const field = secretFile === undefined ? 'secret' : 'secretFile';
        throw refuse(field, 'this cannot be a secret', checked.issues[0].message);
      }
      const unknown = seen?.findIndex(key => !Object.hasOwn(cameras, key)) ?? -1;
      if (unknown >= 0)
        throw refuse(`cameras.${unknown}`, 'there is no camera with this key', 'Use a key below "cameras".');
      users.push({ name, secret, ...(seen && { cameras: seen }) });
    });
  }
  return { enabled: input.enabled, listen: input.listen, users };
}

async function readUsers(file: File, inputs: Record<string, UserInput>, cameras: object): Promise<WantedUser[]> {
  const users: WantedUser[] = [];
  for (const [key, input] of Object.entries(inputs)) {
    const password = await passwordOf(file, `users.${key}`, input);
    const { name = key, role, rights = [], cameras: seen } = input;
    within(file, `users.${key}`, () => {
      const refuse = (field: string, message: string, cure: string) =>
        new NvrError('invalid-argument', message, { field, cure });
      if (typeof password !== 'string') throw refuse('', 'this user has no password', 'Add password or passwordFile.');
      checkPassword(password, name);
      const index = seen?.findIndex(camera => !Object.hasOwn(cameras, camera)) ?? -1;
      if (index >= 0)
        throw refuse(`cameras.${index}`, 'there is no camera with this key', 'Use a key below "cameras".');
      if (users.some(other => nameKey(other.name) === nameKey(name))) {
        throw refuse('name', 'there is another user of this name', 'Choose another name.');
      }
      users.push({ key, name, password, role, rights, ...(seen && { cameras: seen }) });
    });
  }
  return users;
}

/** Runs a check whose refusals name a field below `prefix`, and tells where in the file that is. */
function within<T>({ source, tree }: File, prefix: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof NvrError) || error.kind !== 'invalid-argument') throw error;
    const inner = error.field ?? '';
    const field = prefix === '' || inner === '' ? `${prefix}${inner}` : `${prefix}.${inner}`;
    const { offset, found } = find(tree, field);
    const hint = found?.kind === 'scalar' && typeof found.value !== 'string' && found.value !== null;
    const cure = `${error.cure ?? 'Correct it.'}${hint ? ' A text that looks like a number or like true needs quotes.' : ''}`;
    throw source.refuse(
      offset,
      error.message.replace(`"${inner}"`, () => `"${field}"`),
      cure,
      field,
    );
  }
}

function at(source: Source, offset: number, error: unknown, field?: string): unknown {
  if (!(error instanceof NvrError)) return error;
  return source.refuse(offset, error.message, error.cure ?? 'Correct it.', field);
}
