// Schemathesis, where it is installed (pip, in an environment of its own whose `bin` is on PATH), reads the API's description and
// tries to make the built service break it: as an admin and as a viewer, on both servers. Cameras and webhooks whose addresses it
// makes up are asked for: whoever wants nothing to leave the machine runs this file under `unshare -n`, with `lo` up.
//   SEED=…      a run again; EXAMPLES=… requests at random for each operation
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Child, stopChildren } from '../support/child.ts';
import { Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const isThere = spawnSync('schemathesis', ['--version'], { stdio: 'ignore' }).status === 0;
const problem = serviceProblem() ?? (isThere ? undefined : 'schemathesis is not installed');
const SEED = process.env.SEED ?? String(Math.floor(Math.random() * 2 ** 31));
const EXAMPLES = process.env.EXAMPLES ?? '40';

/** They end what asks, never end themselves, ask the whole network, or are no HTTP. */
const LEFT_OUT = [
  ...['/api/logout', '/api/users/{id}', '/api/tokens/{id}', '/api/cameras/{id}/mjpeg', '/api/cameras/{id}/live'],
  ...['/api/updates', '/api/restore', '/api/cameras/discover'],
];
/**
 * Of what it can judge. Left out: that everything the schemas allow is accepted (it does not know which cameras there are), and
 * what test/integration/authorisation walks through.
 */
const CHECKS = [
  ...['not_a_server_error', 'status_code_conformance', 'content_type_conformance', 'response_schema_conformance'],
  ...['response_headers_conformance', 'negative_data_rejection'],
];
/**
 * 503: a camera that is not live; 507: as many users as can be. They are in the description. Methods that no server of ours knows end the
 * connection in the middle of the answer on one of them, which it takes for an error of its own. 413 and 431 refuse what is too long, too.
 */
const CONFIGURATION = `[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 503, 507]
[checks.negative_data_rejection]
expected-statuses = ["4xx", "5xx"]
[phases.coverage]
unexpected-methods = ["PUT", "PATCH", "DELETE", "POST", "OPTIONS", "TRACE"]
`;

for (const http of ['node', 'uws']) {
  const test = suite(`schemathesis: ${http}`, { timeoutMs: 900_000 });
  test.after(stopChildren);

  for (const role of ['admin', 'viewer'] as const) {
    const title = `as ${role}, all that comes back is in the description`;
    test.needs(problem === undefined, problem ?? '', title, async () => {
      const service = await Service.start({ args: ['--demo', '--http', http] });
      await service.until<{ state: { name: string } }>('/api/cameras/1', ({ state }) => state.name === 'live');
      const folder = tempDir('schemathesis');
      writeFileSync(join(folder, 'schemathesis.toml'), CONFIGURATION);
      writeFileSync(join(folder, 'openapi.json'), await description(service));
      const authorization = role === 'admin' ? service.headers.authorization : await viewerToken(service);
      const { code, report } = await judge(service.ready.url, authorization ?? '', folder);
      assert.is((await service.get<{ status: string }>('/api/health')).status, 'ok');
      assert.equal(
        service.log.filter(({ level }) => level === 'error'),
        [],
      );
      assert.is((await service.stop()).code, 0);
      assert.is(code, 0, `seed ${SEED}\n${report}`);
    });
  }

  test.run();
}

/** The service's description in words that schemathesis 4.32 knows: it trips over tuples, and over classes of characters. */
async function description(service: Service): Promise<string> {
  const reworded = (_: string, value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    const { prefixItems, pattern, ...rest } = value as { prefixItems?: object[]; pattern?: string };
    if (prefixItems) return { ...rest, items: { anyOf: prefixItems } };
    if (typeof pattern !== 'string') return value;
    return { ...rest, pattern: pattern.replace('\\p{Cc}', '\\u0000-\\u001f\\u007f-\\u009f').replace('\\p{Cs}', '') };
  };
  return JSON.stringify(await service.get('/api/openapi.json'), reworded);
}

async function judge(
  url: string,
  authorization: string,
  folder: string,
): Promise<{ code: number | null; report: string }> {
  const child = new Child(
    'schemathesis',
    [
      ...['--config-file', join(folder, 'schemathesis.toml'), 'run', join(folder, 'openapi.json')],
      ...['--url', url, '--no-color'],
      ...['--header', `Authorization: ${authorization}`, '--seed', SEED, '--max-examples', EXAMPLES],
      ...['--phases', 'examples,coverage,fuzzing', '--checks', CHECKS.join(',')],
      ...['--continue-on-failure', '--generation-database', 'none', '--request-timeout', '20'],
      ...LEFT_OUT.flatMap(path => ['--exclude-path', path]),
    ],
    { cwd: folder },
  );
  const { code } = await child.exited;
  const report = [...child.stdout, ...child.stderr].join('\n');
  process.stdout.write(`${report.slice(-1500)}\n`);
  return { code, report };
}

/** Of somebody who may see the first camera only. */
async function viewerToken(service: Service): Promise<string> {
  const password = 'only for looking';
  await service.post('/api/users', { name: 'guest', password, role: 'viewer', cameras: [1] });
  const login = await service.exchange('POST', '/api/login', { name: 'guest', password });
  const cookie = login.headers['set-cookie']?.[0]?.split(';', 1)[0] ?? '';
  const headers = { cookie, origin: service.ready.url };
  const made = await service.exchange('POST', '/api/tokens', { name: 'schemathesis' }, headers);
  assert.is(made.status, 201, String(made.data));
  return `Bearer ${(JSON.parse(made.data.toString('utf8')) as { token: string }).token}`;
}
