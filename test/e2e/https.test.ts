import { once } from 'node:events';
import { statSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import * as assert from 'uvu/assert';
import type { Status } from '../../src/api/contract.ts';
import { stopChildren } from '../support/child.ts';
import { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('https of the service', { timeoutMs: 60_000 });
test.after(stopChildren);

interface Said {
  url: string;
  fingerprint: string;
}

/** What the service says of its encrypted address. */
const said = (service: Service) => service.log.find(({ msg }) => msg === 'HTTPS') as unknown as Said;

async function fingerprintAt(url: string): Promise<string> {
  const { hostname: host, port } = new URL(url);
  const socket: TLSSocket = connect({ host, port: Number(port), rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

test('a certificate is made at the first start, shown, and still there at the next', async () => {
  const args = ['--https', '127.0.0.1:0'];
  const first = await Service.start({ args });
  const { url, fingerprint } = said(first);
  assert.is(await fingerprintAt(url), fingerprint);
  const { service } = await first.get<Status>('/api/status');
  assert.equal([service.https?.url, service.https?.fingerprint, service.https?.selfSigned], [url, fingerprint, true]);
  assert.is(statSync(join(first.dataDir, 'tls/key.pem')).mode & 0o777, 0o600);
  assert.is((await first.stop()).code, 0);
  const second = await Service.start({ args: [...args, '--https-redirect'], dataDir: first.dataDir, account: false });
  assert.is(said(second).fingerprint, fingerprint);
  const [page] = (await once(get(`${second.ready.url}/x?y=z`), 'response')) as [IncomingMessage];
  assert.equal([page.statusCode, page.headers.location], [308, `${said(second).url}/x?y=z`]);
  page.resume();
  assert.is((await second.exchange('GET', '/api/health')).status, 200);
  assert.is((await second.stop()).code, 0);
});

test('a certificate that cannot be used ends the start with words about it', async () => {
  const file = join(tempDir('tls'), 'c.pem');
  writeFileSync(file, 'no certificate');
  const args = ['--https', '127.0.0.1:0', '--tls-cert', file, '--tls-key', file];
  const { child } = Service.spawn({ args });
  assert.is((await child.exited).code, 2);
  assert.match(child.stderr.join('\n'), /holds no certificate/);
});

test.run();
