// How long it takes from the click to the picture over WebRTC, in Chromium through a real go2rtc; when the machine is quiet.
import * as assert from 'uvu/assert';
import { browserProblem } from '../support/browser.ts';
import { networkProblem } from '../support/own-network.ts';
import { serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { go2rtcProblem, runWebRtc } from '../support/webrtc-run.ts';

const test = suite('how soon webrtc shows a picture', { timeoutMs: 600_000 });
const problem = serviceProblem() ?? browserProblem() ?? go2rtcProblem() ?? networkProblem();
const ROUNDS = 3;

test.needs(
  problem === undefined,
  problem ?? '',
  'within 500 ms of the click, from the newest keyframe of the ring on',
  () => {
    const runs = Array.from({ length: ROUNDS }, () => runWebRtc());
    const [first, second] = [0, 1].map(at => runs.map(({ firstMs }) => Math.round(firstMs[at] ?? Number.NaN)));
    process.stdout.write(`first picture, go2rtc not running before: ${first} ms; running: ${second} ms\n`);
    for (const ms of [...(first ?? []), ...(second ?? [])]) assert.ok(ms <= 500, `${ms} ms`);
  },
);

test.run();
