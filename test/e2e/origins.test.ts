// Whose pages may change anything: the service by name and by an address of the network, plain as most homes have it, against pages of
// others. Only a browser knows which headers it sends then.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import type { Settings } from '../../src/api/contract.ts';
import { Browser, browserProblem } from '../support/browser.ts';
import { stopChildren } from '../support/child.ts';
import { ACCOUNT, Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';

const test = suite('origins', { timeoutMs: 60_000 });
const problem = serviceProblem() ?? browserProblem();
/** As it is called at home, an address as homes have it, and somebody else's name that leads here. */
const [NAME, ADDRESS, EVIL] = ['nvr.example', '10.1.2.3', 'evil.example'];

let service: Service;
let browser: Browser;
/** Serves an empty page on a port of its own. */
const foreign = createServer((_, response) => void response.setHeader('Content-Type', 'text/html').end('<p>hello</p>'));
let foreignPort = 0;
let port = 0;

if (problem === undefined) {
  test.before(async () => {
    service = await Service.start();
    port = Number(new URL(service.ready.url).port);
    await service.patch('/api/settings', { hosts: [NAME] });
    foreign.listen(0, '127.0.0.1');
    await once(foreign, 'listening');
    foreignPort = (foreign.address() as AddressInfo).port;
    browser = await Browser.start([NAME, ADDRESS, EVIL]);
  });
  test.after(async () => {
    await browser.close();
    foreign.close();
    await stopChildren();
  });
}

interface Sent {
  status: number;
  origin?: string | undefined;
  site?: string | undefined;
}

/** What a page sends, as the browser sends it, and what came back; status 0 when the page was not to know. */
async function send(page: Page, url: string, options: object): Promise<Sent> {
  const seen = page.waitForRequest(request => request.url() === url);
  const script = `fetch(${JSON.stringify(url)}, ${JSON.stringify(options)}).then(r => r.status, () => 0)`;
  const [request, status] = await Promise.all([seen, page.evaluate<number>(script)]);
  const headers = await request.allHeaders();
  return { status, origin: headers.origin, site: headers['sec-fetch-site'] };
}

function json(method: string, body: object): object {
  const headers = { 'Content-Type': 'application/json' };
  return { method, headers, body: JSON.stringify(body), credentials: 'include' };
}

async function level(): Promise<string> {
  return (await service.get<Settings>('/api/settings')).log.level;
}

/** Whether a page gets a WebSocket. */
function socket(page: Page, url: string): Promise<boolean> {
  return page.evaluate<boolean>(
    `new Promise(done => { const s = new WebSocket(${JSON.stringify(url)}); s.onopen = () => { done(true); s.close(); }; s.onerror = () => done(false); })`,
  );
}

for (const host of [NAME, ADDRESS]) {
  test.needs(
    problem === undefined,
    problem ?? '',
    `check 2: logging in and changing things work at http://${host}`,
    async () => {
      const base = `http://${host}:${port}`;
      const { page } = await browser.open(`${base}/api/health`);
      const login = await send(page, `${base}/api/login`, json('POST', ACCOUNT));
      assert.is(login.status, 200);
      for (const wanted of ['debug', 'info']) {
        const change = await send(page, `${base}/api/settings`, json('PATCH', { log: { level: wanted } }));
        assert.equal(
          change,
          { status: 200, origin: base, site: undefined },
          'plain and no loopback: no Sec-Fetch-Site',
        );
        assert.is(await level(), wanted);
      }
      assert.ok(await socket(page, `ws://${host}:${port}/api/updates`));
      assert.is((await send(page, `${base}/api/logout`, { method: 'POST', credentials: 'include' })).status, 204);
      assert.not.ok(await socket(page, `ws://${host}:${port}/api/updates`));
      await page.context().close();
    },
  );
}

test.needs(
  problem === undefined,
  problem ?? '',
  'pages of others change nothing, also on another port of the same name',
  async () => {
    const base = `http://${NAME}:${port}`;
    const { page } = await browser.open(`${base}/api/health`);
    assert.is((await send(page, `${base}/api/login`, json('POST', ACCOUNT))).status, 200);
    const before = await level();
    for (const host of [NAME, EVIL, '127.0.0.1']) {
      // In the same context: with the cookie of the one who is logged in.
      const other = await page.context().newPage();
      await other.goto(`http://${host}:${foreignPort}/`);
      const patch = await send(other, `${base}/api/settings`, json('PATCH', { log: { level: 'error' } })).catch(
        () => undefined,
      );
      assert.ok(patch === undefined || patch.status === 0 || patch.status === 403, `${host} ${patch?.status}`);
      for (const type of ['text/plain', 'application/x-www-form-urlencoded']) {
        const body = JSON.stringify({ name: 'Evil', main: { url: 'rtsp://10.0.0.1/' } });
        const simple = {
          method: 'POST',
          mode: 'no-cors',
          credentials: 'include',
          headers: { 'Content-Type': type },
          body,
        };
        await send(other, `${base}/api/cameras`, simple);
      }
      await other.setContent(`<form method="post" action="${base}/api/logout"><button>go</button></form>`);
      await Promise.all([other.waitForNavigation(), other.click('button')]);
      // Another port is the same site to the browser: it sends the cookie. From elsewhere it does not.
      assert.match(await other.content(), host === NAME ? 'pages of other origins' : 'nobody is logged in');
      await other.goto(`http://${host}:${foreignPort}/`);
      assert.not.ok(await socket(other, `ws://${NAME}:${port}/api/updates`), host);
      const reads = `fetch(${JSON.stringify(`${base}/api/cameras`)}, { credentials: 'include' }).then(r => r.text(), () => '')`;
      assert.is(await other.evaluate(reads), '', 'nor can they look at anything');
      await other.close();
    }
    assert.is(await level(), before);
    assert.equal(await service.get('/api/cameras'), { cameras: [] });
    assert.is((await send(page, `${base}/api/me`, { credentials: 'include' })).status, 200, 'still logged in');
  },
);

test.needs(problem === undefined, problem ?? '', 'a foreign name that leads here gets nothing', async () => {
  const { page } = await browser.open(`http://${EVIL}:${port}/api/health`);
  assert.match(await page.content(), 'does not answer under this name');
  const base = `http://${EVIL}:${port}`;
  assert.is((await send(page, `${base}/api/login`, json('POST', ACCOUNT))).status, 403);
  assert.is((await send(page, `${base}/api/setup`, {})).status, 403);
  assert.not.ok(await socket(page, `ws://${EVIL}:${port}/api/updates`));
});

test.run();
