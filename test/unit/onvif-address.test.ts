// Addresses that a camera writes: its own host stays, whatever it says.
import * as assert from 'uvu/assert';
import { AddressBook, mayGoTo, readDeviceAddress } from '../../src/onvif/address.ts';
import { readDeviceTime, readMoment, writeDuration } from '../../src/onvif/device-clock.ts';
import { parseXml } from '../../src/onvif/xml.ts';
import { suite } from '../support/suite.ts';

const test = suite('onvif address');
const device = { host: '10.0.0.5', port: 8080, tls: false, path: '/onvif/device_service' };

test('host and device port are ours, other ports only of the camera itself', () => {
  const book = new AddressBook(device);
  const cases: [string | undefined, { port: number; path: string } | undefined][] = [
    ['http://10.0.0.5:8080/onvif/events', { port: 8080, path: '/onvif/events' }],
    ['http://10.0.0.5:2020/event-0?sub=1', { port: 2020, path: '/event-0?sub=1' }],
    ['http://evil.example:22/x', { port: 8080, path: '/x' }],
    ['http://user:pass@169.254.169.254/latest', { port: 8080, path: '/latest' }],
    ['https://10.0.0.5/x', { port: 8080, path: '/x' }],
    ['/onvif/subscription?id=7', { port: 8080, path: '/onvif/subscription?id=7' }],
    ['//evil.example/x', undefined],
    ['/x\r\nHost: evil', undefined],
    ['http://10.0.0.5:0/x', undefined],
    ['10.0.0.5/onvif/event/alarm', undefined],
    ['ftp://10.0.0.5/x', undefined],
    ['http://CAMERA LOCAL/x', undefined],
    ['', undefined],
    [undefined, undefined],
  ];
  for (const [text, target] of cases) assert.equal(book.target(text), target, text);
});

test('what people write as the address of a camera', () => {
  const at = (host: string, port: number, tls = false, path = '/onvif/device_service') => ({ host, port, tls, path });
  assert.equal(readDeviceAddress(' 192.168.1.40 '), at('192.168.1.40', 80));
  assert.equal(readDeviceAddress('Camera.lan:8000'), at('camera.lan', 8000));
  assert.equal(readDeviceAddress('https://10.0.0.5/'), at('10.0.0.5', 443, true));
  assert.equal(
    readDeviceAddress('http://10.0.0.5:2020/onvif/service?x=1'),
    at('10.0.0.5', 2020, false, '/onvif/service?x=1'),
  );
  assert.equal(readDeviceAddress('fd00::5'), at('fd00::5', 80));
  assert.equal(readDeviceAddress('[fd00::5]:81'), at('fd00::5', 81));
  for (const bad of [
    '',
    'rtsp://10.0.0.5/',
    'http://a:b@10.0.0.5/',
    '10.0.0.5:0',
    '10.0.0.5:99999',
    'a b',
    'http://',
    'x/\u00e4',
  ])
    assert.is(readDeviceAddress(bad), undefined, bad);
});

test('behind a port forwarding, the port that the camera knows stands for ours', () => {
  const book = new AddressBook(device);
  book.learnSelf('http://192.168.1.9:80/onvif/device_service');
  assert.equal(book.target('http://192.168.1.9:80/onvif/media'), { port: 8080, path: '/onvif/media' });
  assert.equal(book.target('http://192.168.1.9:2020/events'), { port: 2020, path: '/events' });
  assert.equal(book.target('http://10.9.9.9:2020/events'), { port: 8080, path: '/events' });
});

test('streams and pictures are on the camera, without login', () => {
  const book = new AddressBook(device);
  assert.is(book.streamUrl('rtsp://a:b@c@9.9.9.9:5554/x?y=1&z=2'), 'rtsp://10.0.0.5:5554/x?y=1&z=2');
  assert.is(book.streamUrl('RTSPS://9.9.9.9'), 'rtsps://10.0.0.5/');
  assert.is(book.streamUrl('http://9.9.9.9/x'), undefined);
  assert.is(book.pictureUrl('http://9.9.9.9/snap.jpg?u=1'), 'http://10.0.0.5:8080/snap.jpg?u=1');
  const six = new AddressBook({ ...device, host: 'fd00::5' });
  assert.is(six.streamUrl('rtsp://[fd00::9]:554/x'), 'rtsp://[fd00::5]:554/x');
});

test('addresses of this machine, the link and groups are refused', () => {
  const rules = { allowLoopback: false, ownPorts: () => [8080] };
  for (const bad of ['127.0.0.1', '::1', '169.254.169.254', 'fe80::1', '239.1.1.1', 'camera.example'])
    assert.not(mayGoTo(bad, 80, rules), bad);
  assert.ok(mayGoTo('192.168.1.5', 80, rules));
  assert.ok(mayGoTo('192.168.1.5', 8080, rules));
  assert.ok(mayGoTo('127.0.0.1', 80, { ...rules, allowLoopback: true }));
  assert.not(mayGoTo('127.0.0.1', 8080, { ...rules, allowLoopback: true }));
});

test('times as cameras write them', () => {
  assert.is(readMoment('2021-01-06T17:46:45.115382Z'), Date.UTC(2021, 0, 6, 17, 46, 45, 115));
  assert.is(readMoment('2023-06-01T07:27:22'), Date.UTC(2023, 5, 1, 7, 27, 22));
  assert.is(readMoment('2023-06-01T07:27:22+02:00'), Date.UTC(2023, 5, 1, 5, 27, 22));
  for (const bad of [
    '06-11-2021T09:17:46Z',
    '2023-13-01T00:00:00Z',
    '',
    'now',
    `2023-01-01T00:00:00.${'0'.repeat(99)}Z`,
  ])
    assert.is(readMoment(bad), undefined, bad);
  assert.is(writeDuration(300_000), 'PT300S');
  assert.is(writeDuration(1499), 'PT1.5S');
  const time = (inside: string) =>
    readDeviceTime(
      parseXml(
        Buffer.from(
          `<r xmlns="http://www.onvif.org/ver10/schema"><SystemDateAndTime>${inside}</SystemDateAndTime></r>`,
        ),
      ),
    );
  const parts = (year: number) =>
    `<Time><Hour>1</Hour><Minute>2</Minute><Second>3</Second></Time><Date><Year>${year}</Year><Month>4</Month><Day>5</Day></Date>`;
  assert.is(time(`<UTCDateTime>${parts(1970)}</UTCDateTime>`), Date.UTC(1970, 3, 5, 1, 2, 3));
  assert.is(time(`<LocalDateTime>${parts(2026)}</LocalDateTime>`), Date.UTC(2026, 3, 5, 1, 2, 3));
  for (const bad of [parts(0), parts(99_999_999), '', '<Date><Year>x</Year></Date>'])
    assert.is(time(`<UTCDateTime>${bad}</UTCDateTime>`), undefined);
});

test.run();
