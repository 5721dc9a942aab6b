// The newest log lines over HTTP, from memory. Secrets were taken out when they were written.
import * as v from 'valibot';
import { LOG_LEVELS } from '../core/index.ts';
import type { LogLine, LogLines } from './contract.ts';
import { cameraId, integer, timeMs } from './input.ts';
import { jsonReply } from './json-reply.ts';
import { route } from './router.ts';
import type { ApiServices } from './services.ts';

const DEFAULT_LINES = 200;
const MAX_LINES = 1000;

const logQuery = v.strictObject({
  level: v.optional(v.picklist(LOG_LEVELS, `Use ${LOG_LEVELS.join(', ')}.`)),
  tag: v.optional(v.pipe(v.string(), v.regex(/^[\w-]{1,32}$/, 'Use the tag of a log line.'))),
  camera: v.optional(cameraId),
  limit: v.optional(integer(1, MAX_LINES)),
  afterMs: v.optional(timeMs),
});

export function logRoutes({ logs }: Pick<ApiServices, 'logs'>) {
  return [
    route('GET', '/api/logs', {
      identity: 'admin',
      summary: 'The newest lines of the log.',
      query: logQuery,
      handle: ({ query }) => {
        const { limit = DEFAULT_LINES } = query;
        const lines = logs.lines().map(line => JSON.parse(line) as LogLine);
        const wanted = lines.filter(line => isWanted(line, query));
        return jsonReply(200, { lines: wanted.slice(-limit) } satisfies LogLines);
      },
    }),
  ];
}

function isWanted(line: LogLine, { level, tag, camera, afterMs }: v.InferOutput<typeof logQuery>): boolean {
  if (level !== undefined && LOG_LEVELS.indexOf(line.level) < LOG_LEVELS.indexOf(level)) return false;
  if (tag !== undefined && line.tag !== tag) return false;
  if (camera !== undefined && line.camera !== camera) return false;
  return afterMs === undefined || line.timeMs > afterMs;
}
