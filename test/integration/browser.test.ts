// The browser that judges pages and footage: it plays on this machine, and nothing that it does leaves it.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as assert from 'uvu/assert';
import { Browser, browserProblem } from '../support/browser.ts';
import { suite } from '../support/suite.ts';

const test = suite('browser', { timeoutMs: 60_000 });
const problem = browserProblem();
const here = problem === undefined;
let browser: Browser;
let server: Server;
let url = '';

test.before(async () => {
  server = createServer((_, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end(
      '<!doctype html><meta name="viewport" content="width=device-width"><title>here</title><style>body{background:#0a0}</style><p>text</p>',
    );
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  if (here) browser = await Browser.start();
});
test.after(async () => {
  await browser?.close();
  server.closeAllConnections();
  server.close();
});

test.needs(
  here,
  problem ?? '',
  'pages have the size that was asked for, and pictures of them can be taken',
  async () => {
    for (const view of [
      { width: 1280, height: 800 },
      { width: 360, height: 640, phone: true },
    ]) {
      const { page, errors } = await browser.open(url, view);
      assert.is(await page.title(), 'here');
      assert.equal(await page.evaluate('[innerWidth, innerHeight]'), [view.width, view.height]);
      const picture = await page.screenshot();
      const scale = view.phone ? 2 : 1;
      assert.equal([picture.readUInt32BE(16), picture.readUInt32BE(20)], [view.width * scale, view.height * scale]);
      assert.equal(errors, []);
      await page.context().close();
    }
  },
);

test.needs(here, problem ?? '', 'what a page complains of is heard', async () => {
  const { page, errors } = await browser.open(url);
  await page.evaluate('console.error("one"); setTimeout(() => { throw new Error("two") })');
  await page.waitForTimeout(100);
  assert.equal(errors, ['one', 'Error: two']);
  await page.context().close();
});

test.needs(here, problem ?? '', 'other hosts are refused by name, on this machine', async () => {
  const { page, foreign } = await browser.open(url);
  const others = ['http://elsewhere.invalid/x', 'https://elsewhere.invalid/', 'ws://elsewhere.invalid/y'];
  for (const other of others) {
    const opened = await page.evaluate(
      address =>
        address.startsWith('ws')
          ? new Promise(resolve => {
              const socket = new WebSocket(address);
              socket.onopen = () => resolve(true);
              socket.onerror = () => resolve(false);
            })
          : fetch(address).then(
              () => true,
              () => false,
            ),
      other,
    );
    assert.is(opened, false, other);
  }
  assert.equal(foreign, others);
  await page.context().close();
});

test.run();
