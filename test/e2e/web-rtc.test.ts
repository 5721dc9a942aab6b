// Low delay and talk on the page of a camera, in Chromium: asked for, refused, lost, left; by hand and by keys, with the browser's own
// test microphone. In a network that the test made itself, since each peer of a browser listens for multicast.
import * as assert from 'uvu/assert';
import { browserProblem } from '../support/browser.ts';
import { networkProblem, runInNetwork } from '../support/own-network.ts';
import { serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { go2rtcProblem, go2rtcRun } from '../support/webrtc-run.ts';

const test = suite('web: webrtc in Chromium', { timeoutMs: 420_000 });

const problem = serviceProblem() ?? browserProblem() ?? networkProblem();
const LIMIT_MS = 400_000;

interface Scene {
  found: Record<string, unknown>;
  errors: string[];
  foreign: string[];
}
let scenes: Record<string, Scene | { failed: string }> = {};

test.before(() => {
  if (problem !== undefined) return;
  const { stdout, stderr, status } = runInNetwork('./web-rtc-child.ts', {}, LIMIT_MS);
  assert.is(status, 0, stderr);
  scenes = JSON.parse(stdout);
});

function seen(name: string, title: string, found: unknown): void {
  test.needs(problem === undefined, problem ?? '', title, () => {
    assert.equal(scenes[name], { found, errors: [], foreign: [] });
  });
}

seen(
  'lowDelay',
  'low delay comes over WebRTC when it is asked for, without any address of ours, and goes when it is not',
  {
    pieces: [0, 1],
    told: true,
    axe: [],
    closed: null,
    candidates: false,
    media: ['video', 'video audio'],
    directions: ['recvonly'],
  },
);

seen('refused', 'what the board refuses is said in its words, pictures go on another way, and it can be tried again', {
  axe: [],
});

seen('silent', 'an answer that leads nowhere falls back by itself', {
  left: ['s1'],
  offers: 1,
  outlives: true,
});

seen('lost', 'a connection that breaks is made anew', 'true');

seen('talk', 'talk: held, tapped, by its key; the speaker is silent meanwhile, and leaving the page ends it', {
  quiet: true,
  latched: 'true',
  axe: [],
  lines: ['audio', 'audio', 'audio'],
  directions: ['sendonly'],
  candidates: false,
});

seen('talkRefused', 'talk: a refusal is said with its cure, and the button is ready again', {
  pressed: 'false',
  axe: [],
});

test.needs(
  problem === undefined,
  problem ?? '',
  'check 14: talk on plain HTTP has no dead button, but the HTTPS address',
  () => {
    const { found, errors, foreign } = scenes.plain as Scene;
    const { https, href, text, ...rest } = found as { https: string; href: string; text: string };
    const { port } = new URL(https);
    assert.is(href, `https://10.1.2.3:${port}/#/cam/1`);
    assert.is(text, `Talk needs HTTPS: open https://10.1.2.3:${port}/`);
    assert.equal(rest, { secure: false, buttons: 0, axe: [] });
    assert.equal({ errors, foreign }, { errors: [], foreign: [] });
  },
);

const realProblem = problem ?? go2rtcProblem();
test.needs(
  realProblem === undefined,
  realProblem ?? '',
  'through a real go2rtc the page shows a camera with low delay, and the camera hears who talks, without a second connection',
  () => {
    const { stdout, stderr, status } = runInNetwork('./web-rtc-real-child.ts', go2rtcRun(), LIMIT_MS);
    assert.is(status, 0, stderr);
    const { told, ...found } = JSON.parse(stdout);
    assert.equal(found, { connections: 1, heard: true, left: false, errors: [], foreign: [] });
    assert.match(told, /H264/);
  },
);

test.run();
