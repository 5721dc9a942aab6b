// WebRTC as browsers have it: Chromium watches a camera and talks to it through a real go2rtc, in a network of its own.
import * as assert from 'uvu/assert';
import { browserProblem } from '../support/browser.ts';
import { networkProblem, OWN_ADDRESS } from '../support/own-network.ts';
import { serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { go2rtcProblem, runWebRtc, type WebRtcFound } from '../support/webrtc-run.ts';

const test = suite('webrtc in a browser', { timeoutMs: 180_000 });
const problem = serviceProblem() ?? browserProblem() ?? go2rtcProblem() ?? networkProblem();

let found: WebRtcFound;
test.before(() => {
  if (problem === undefined) found = runWebRtc();
});

function needs(name: string, body: () => void): void {
  test.needs(problem === undefined, problem ?? '', name, body);
}

needs('a browser sees the camera move, over the addresses of this machine only', () => {
  assert.equal([found.can, found.status, found.refused], [true, 201, null]);
  assert.equal(found.addresses, [OWN_ADDRESS, '127.0.0.1']);
});

needs('two browsers, recording and all cost the camera one connection', () => {
  assert.equal([found.openToCamera, found.views], [1, 2]);
  assert.equal(found.gaps, []);
});

needs('a session ends by a word of its browser, and without one when that has gone', () => {
  assert.is(found.deleted, 204);
});

needs('what is said is heard by the camera, on a connection of its own that is there only then', () => {
  assert.equal([found.talkStatus, found.talkRefused, found.saidBefore], [201, null, 0]);
  assert.equal(found.saidRequests, ['DESCRIBE', 'SETUP', 'PLAY']);
  assert.is(found.openToCameraWhileTalking, 1);
  assert.equal([found.kept, found.ended], [204, 204]);
});

needs('one talks at a time, and the other hears who it is', () => {
  assert.equal(found.interrupted, [409, 'tester talks to this camera']);
});

needs('browsers that send what they did not say end nothing', () => {
  assert.equal([found.intruded, found.forged, found.survived], [201, 201, true]);
});

needs('whoever has logged out sees nothing any more, though the browser stays', () => {
  assert.is(found.endedBy, 1);
  assert.is(found.framesAfterLogout, 0);
});

test.run();
