// What the pages reckon about ONVIF: which way an address is tried, what was found, and what of a form is sent.
import * as assert from 'uvu/assert';
import type { Camera, FoundDevice, OnvifProfile } from '../../src/api/contract.ts';
import { ONVIF_EVENT_KINDS } from '../../src/onvif/index.ts';
import { merged } from '../../web/src/cameras/find-cameras.tsx';
import { ONVIF_KINDS, onvifPatch, onvifValue } from '../../web/src/cameras/onvif-draft.ts';
import { clockOffsetWords, profileWords } from '../../web/src/cameras/onvif-facts.tsx';
import { logText } from '../../web/src/cameras/onvif-section.tsx';
import { channelsOf } from '../../web/src/cameras/tried-onvif.tsx';
import { NOWHERE, wayOf } from '../../web/src/cameras/where.ts';
import { suite } from '../support/suite.ts';

const test = suite('web onvif');
const SETTINGS: NonNullable<Camera['onvif']> = {
  ...{ address: '192.168.1.40', events: true, kinds: ['person'], checkCertificate: false, allowBasic: false },
  ...{ username: 'eye', hasPassword: true },
};

test('streams say it all, makes have their paths, the rest is asked over ONVIF', () => {
  const way = (address: string, make = '') => wayOf({ ...NOWHERE, address, make });
  assert.equal(way(' 192.168.1.40 '), { is: 'onvif', address: '192.168.1.40' });
  assert.equal(way('http://cam:8000/onvif', 'Axis'), { is: 'onvif', address: 'http://cam:8000/onvif' });
  assert.equal(way('RTSP://cam/1'), { is: 'rtsp', main: 'RTSP://cam/1', sub: '' });
  assert.equal(way('cam:8554/x'), { is: 'rtsp', main: 'rtsp://cam:8554/x', sub: '' });
  assert.equal(way('cam:2554'), { is: 'onvif', address: 'cam:2554' });
  assert.is(way('ftp://cam').is, 'rtsp', 'the board says what is wrong with it');
  const http = { ...NOWHERE, address: 'http://cam/flv', transport: 'http' };
  assert.equal(wayOf(http), { is: 'rtsp', main: 'http://cam/flv', sub: '' }, 'a stream by HTTP is no ONVIF');
  assert.equal(way('cam', 'Reolink'), {
    ...{ is: 'rtsp', main: 'rtsp://cam/h264Preview_01_main', sub: 'rtsp://cam/h264Preview_01_sub' },
  });
});

test('what was found stays where it stands, and what is news comes behind it', () => {
  const device = (host: string, name?: string): FoundDevice => ({
    ...{ address: `http://${host}`, host, cameras: [] },
    ...(name ? { name } : {}),
  });
  const first = [device('b'), device('a')];
  assert.equal(
    merged(first, [device('a', 'Door'), device('c'), device('b')]).map(({ host, name }) => [host, name]),
    [
      ['b', undefined],
      ['a', 'Door'],
      ['c', undefined],
    ],
  );
});

test('all kinds of the board can be chosen', () => {
  assert.equal([...ONVIF_KINDS].sort(), ONVIF_EVENT_KINDS.filter(kind => kind !== 'other').sort());
});

test('only what was changed is sent, and what was emptied is taken away', () => {
  const value = onvifValue(SETTINGS);
  assert.equal([value.which, value['kind.person'], value['kind.motion']], ['some', true, false]);
  assert.equal(onvifPatch({ 'onvif.events': false }, value), { onvif: { events: false } });
  assert.equal(onvifPatch({ 'onvif.address': ' ' }, value), { onvif: null });
  assert.equal(onvifPatch({ 'onvif.username': '' }, value), { onvif: { username: null, password: null } });
  assert.equal(onvifPatch({ 'onvif.videoSource': '' }, value), { onvif: { videoSource: null } });
  assert.equal(onvifPatch({ 'onvif.password': '', 'onvif.allowBasic': true }, value), { onvif: { allowBasic: true } });
  assert.equal(onvifPatch({ 'kind.motion': true }, value), { onvif: { kinds: ['motion', 'person'] } });
  assert.equal(onvifPatch({ which: 'all' }, value), { onvif: { kinds: null } });
  const none = onvifValue(undefined);
  assert.equal(onvifPatch({ 'onvif.address': 'cam' }, none), { onvif: { address: 'cam' } });
});

test('clocks, profiles and channels in words', () => {
  assert.equal([0, 1999, -1999].map(clockOffsetWords), ['right', 'right', 'right']);
  assert.is(clockOffsetWords(58 * 60_000), '58 min ahead (we correct)');
  assert.is(clockOffsetWords(-7_200_000), '2 h behind (we correct)');
  const profile = (token: string, videoSource?: string): OnvifProfile => ({
    ...{ token, name: token, codec: 'h265', width: 2560, height: 1440, fps: 15, ptz: false },
    ...(videoSource ? { videoSource } : {}),
  });
  assert.is(profileWords(profile('main')), 'main, 2560×1440 H.265, 15/s');
  assert.is(profileWords({ token: 'x', name: 'x', ptz: false }), 'x');
  assert.equal(
    channelsOf([profile('a', '1'), profile('b', '1'), profile('c', '2'), profile('d')]).map(
      ({ source, profile: one }) => [source, one.token],
    ),
    [
      ['1', 'a'],
      ['2', 'c'],
    ],
  );
});

test('the log is a text with times in UTC', () => {
  const entry = { timeMs: 0, direction: 'answer', operation: 'GetNodes', status: 200, text: '<x/>' } as const;
  assert.is(logText([entry]), '1970-01-01T00:00:00.000Z answer GetNodes 200 \n<x/>\n\n');
});

test.run();
