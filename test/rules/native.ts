// Who may include whom in native/: the engine must run without Node, the RTSP reader without FFmpeg's formats.
import { posix } from 'node:path';
import { type TextFile, withoutComments } from './tree.ts';

/** Folder -> folders it may include beside itself. */
const MAY_INCLUDE: Readonly<Record<string, readonly string[]>> = {
  rtsp: [],
  media: ['rtsp'],
  vision: [],
  binding: ['rtsp', 'media', 'vision'],
  test: ['rtsp', 'media', 'vision', 'fuzz'],
  fuzz: ['rtsp', 'media', 'vision', 'test'],
};

const NODE_HEADERS = /^(napi|node_api|js_native_api|node|v8|uv)\b.*\.h$/;

/** Breaches among files below native/; each a sentence that begins with the file. */
export function includeBreaches(files: TextFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    const own = path === 'native/addon.cc' ? 'binding' : (path.split('/')[1] ?? '');
    const includes = withoutComments(text).matchAll(/^\s*#\s*include\s*[<"]([^>"]+)[>"]/gm);
    return [...includes].flatMap(([, header = '']) => {
      const breach = breachOf(own, path, header);
      return breach ? [`${path} includes ${header}: ${breach}`] : [];
    });
  });
}

function breachOf(own: string, path: string, header: string): string | undefined {
  if (NODE_HEADERS.test(header))
    return own === 'binding'
      ? undefined
      : 'only native/binding and addon.cc know Node, so that the engine runs without it';
  const other = folderOf(path, header);
  if (other === undefined || other === own) return undefined;
  const allowed = MAY_INCLUDE[own];
  if (!allowed) return `"${own}" is not a folder of the engine`;
  return allowed.includes(other) ? undefined : `${own} may include ${allowed.join(', ') || 'nothing else of ours'}`;
}

/** Which of our folders a header lies in; undefined for the system's. */
function folderOf(path: string, header: string): string | undefined {
  const fromRoot = header.split('/')[0] ?? '';
  if (fromRoot in MAY_INCLUDE) return fromRoot;
  if (!header.startsWith('.')) return undefined;
  return posix.join(posix.dirname(path), header).split('/')[1];
}
