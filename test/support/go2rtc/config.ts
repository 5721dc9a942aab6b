// The configuration of the go2rtc stand-in: read like the real one's, with its defaults, and written by the calls that write it.
import { readFileSync, writeFileSync } from 'node:fs';
import { parse, parseDocument } from 'yaml';

export interface Config {
  /** Undefined = all. */
  modules: string[] | undefined;
  log: { format: string; level: string; output: string };
  api: {
    listen: string;
    unixListen: string;
    username: string;
    password: string;
    localAuth: boolean;
    /** Undefined = all. */
    allowPaths: string[] | undefined;
  };
  rtsp: { listen: string; defaultQuery: string };
  webrtc: { listen: string; candidates: string[]; networks: string[]; ips: string[] | undefined };
  streams: Record<string, string>;
  /** The first file; undefined when everything stood in the arguments. */
  path: string | undefined;
  /** What stood for variables: taken out of every answer and line. */
  secrets: string[];
  /** Sections that could not be read are one warning each. */
  faults: string[];
}

type Section = Record<string, unknown>;

/** Reads files and texts that begin with a brace; a file that is no YAML counts as empty, so the defaults apply. */
export function readConfig(sources: readonly string[], env: NodeJS.ProcessEnv): Config {
  const secrets: string[] = [];
  const faults: string[] = [];
  const all: Record<string, Section> = {};
  let path: string | undefined;
  for (const source of sources.length > 0 ? sources : ['go2rtc.yaml']) {
    const isText = source.startsWith('{');
    if (!isText) path ??= source;
    try {
      const text = isText ? source : substitute(readFileSync(source, 'utf8'), env, secrets);
      for (const [name, section] of Object.entries((parse(text) ?? {}) as Record<string, Section>))
        all[name] = { ...all[name], ...section };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        faults.push((error as Error).message.split('\n')[0] ?? '');
    }
  }
  return { ...shape(all), path, secrets, faults };
}

function substitute(text: string, env: NodeJS.ProcessEnv, secrets: string[]): string {
  return text.replaceAll(/\$\{([^}{]+)\}/g, (whole, key: string) => {
    const [name = '', fallback] = key.split(/:(.*)/s);
    const value = env[name];
    if (value) secrets.push(value);
    return value ?? fallback ?? whole;
  });
}

function shape(all: Record<string, Section>): Omit<Config, 'path' | 'secrets' | 'faults'> {
  const { app = {}, log = {}, api = {}, rtsp = {}, webrtc = {}, streams = {} } = all;
  const filters = (webrtc.filters ?? {}) as Section;
  const text = (value: unknown, usual: string) => (value === undefined ? usual : String(value ?? ''));
  const list = (value: unknown) => (Array.isArray(value) ? value.map(String) : undefined);
  return {
    modules: list(app.modules),
    log: { format: text(log.format, ''), level: text(log.level, 'info'), output: text(log.output, 'stdout') },
    api: {
      ...{ listen: text(api.listen, ':1984'), unixListen: text(api.unix_listen, '') },
      ...{ username: text(api.username, ''), password: text(api.password, ''), localAuth: api.local_auth === true },
      allowPaths: list(api.allow_paths),
    },
    rtsp: { listen: text(rtsp.listen, ':8554'), defaultQuery: text(rtsp.default_query, 'video&audio') },
    webrtc: {
      ...{ listen: text(webrtc.listen, ':8555'), candidates: list(webrtc.candidates) ?? [] },
      ...{ networks: list(filters.networks) ?? ['udp4', 'udp6', 'tcp4', 'tcp6'], ips: list(filters.ips) },
    },
    streams: Object.fromEntries(Object.entries(streams).map(([name, source]) => [name, String([source].flat()[0])])),
  };
}

/** What PUT and DELETE of a stream do to the file; throws when there is none. */
export function writeStream(path: string | undefined, name: string, source: string | undefined): void {
  if (path === undefined) throw new Error('config file disabled');
  const document = parseDocument(readFileSync(path, 'utf8'));
  if (source !== undefined) document.setIn(['streams', name], source);
  else if (!document.hasIn(['streams'])) throw new Error('yaml: path not exist');
  else document.deleteIn(['streams', name]);
  writeFileSync(path, String(document), { mode: 0o644 });
}
