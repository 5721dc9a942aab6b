// Debian's Chromium without a window, for what only a browser can judge: one for a test file, kept to this machine.
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { type Browser as Chromium, chromium, type Page } from 'playwright-core';

export interface View {
  /** CSS pixels; default 1280x800. */
  width?: number;
  height?: number;
  /** A phone: touch instead of a mouse, two device pixels per CSS pixel. */
  phone?: boolean;
  /** IANA name of the zone that its clock is in; default: this machine's. */
  timeZone?: string;
  /** Runs in every document before the page's own scripts. */
  script?: string;
}

/** A page in a context of its own: no cookies or storage of others. */
export interface Opened {
  page: Page;
  /** What the page complained of: uncaught errors and error lines of the console, in order. */
  errors: string[];
  /** Addresses on other machines that it asked for, which it did not get. */
  foreign: string[];
}

const HERE = ['127.0.0.1', 'localhost', '[::1]'];

/** Why Chromium cannot be used here; undefined when it can. */
export function browserProblem(): string | undefined {
  return chromiumPath() === undefined ? 'Chromium is not installed' : undefined;
}

/**
 * Closed by `close`; when the test process ends without it, however it ends, Chromium goes too. Nothing leaves the
 * machine: a proxy of ours refuses every other host, also to Chromium's own services.
 */
export class Browser {
  readonly #chromium: Chromium;
  readonly #proxy: Server;
  readonly #names: readonly string[];

  private constructor(browser: Chromium, proxy: Server, names: readonly string[]) {
    this.#chromium = browser;
    this.#proxy = proxy;
    this.#names = names;
  }

  /** Rejects when Chromium does not start within 30 s. `names`: hosts that lead to this machine too; `more`: flags. */
  static async start(names: readonly string[] = [], more: readonly string[] = []): Promise<Browser> {
    const proxy = await refusingProxy();
    const { port } = proxy.address() as AddressInfo;
    try {
      const browser = await chromium.launch({
        executablePath: chromiumPath() ?? 'chromium',
        args: [
          // This machine is reached past the proxy by itself; names are never looked up.
          `--proxy-server=127.0.0.1:${port}`,
          `--host-resolver-rules=${names.map(name => `MAP ${name} 127.0.0.1, `).join('')}MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1, EXCLUDE [::1]`,
          ...(names.length > 0 ? [`--proxy-bypass-list=${names.join(';')}`] : []),
          '--disable-quic',
          '--autoplay-policy=no-user-gesture-required',
          '--mute-audio',
          ...more,
        ],
      });
      return new Browser(browser, proxy, names);
    } catch (error) {
      proxy.close();
      throw error;
    }
  }

  /** Loads `url` in a new page. Rejects when that fails. */
  async open(url: string, { width = 1280, height = 800, phone = false, timeZone, script }: View = {}): Promise<Opened> {
    const context = await this.#chromium.newContext({
      viewport: { width, height },
      ...(phone ? { hasTouch: true, isMobile: true, deviceScaleFactor: 2 } : {}),
      ...(timeZone === undefined ? {} : { timezoneId: timeZone }),
    });
    const page = await context.newPage();
    if (script !== undefined) await page.addInitScript(script);
    const errors: string[] = [];
    page.on('pageerror', error => errors.push(String(error)));
    page.on('console', message => {
      if (message.type() === 'error') errors.push(message.text());
    });
    const foreign: string[] = [];
    const note = (asked: { url(): string }) => void (this.#isHere(asked.url()) || foreign.push(asked.url()));
    page.on('request', note);
    page.on('websocket', note);
    await page.goto(url);
    return { page, errors, foreign };
  }

  #isHere(url: string): boolean {
    const { protocol, hostname } = new URL(url);
    return !/^(http|ws)s?:$/.test(protocol) || [...HERE, ...this.#names].includes(hostname);
  }

  /** Also closes all pages. Idempotent. */
  async close(): Promise<void> {
    await this.#chromium.close();
    this.#proxy.closeAllConnections();
    await new Promise(resolve => this.#proxy.close(resolve));
  }
}

/** The program is named by its place, so that playwright looks for no browser of its own. */
function chromiumPath(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(folder => folder !== '');
  return folders.map(folder => join(folder, 'chromium')).find(path => existsSync(path));
}

async function refusingProxy(): Promise<Server> {
  const proxy = createServer((_, response) => void response.writeHead(403).end());
  proxy.on('connect', (_, socket) => {
    socket.on('error', () => {});
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  await new Promise<void>((resolve, reject) => {
    proxy.once('error', reject);
    proxy.listen(0, '127.0.0.1', resolve);
  });
  return proxy;
}
