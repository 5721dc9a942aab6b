// What of a browser's offer reaches go2rtc, and what of its answer the browser: hostile ones, and what a browser needs of both.
import * as assert from 'uvu/assert';
import { cleanAnswer } from '../../src/webrtc/answer.ts';
import { cleanOffer, HIDDEN_MID } from '../../src/webrtc/offer.ts';
import { SdpError } from '../../src/webrtc/sdp.ts';
import { suite } from '../support/suite.ts';
import { answerTo, offer, talkOffer } from '../support/webrtc-world.ts';

const test = suite('descriptions of webrtc');
const REACH = { addresses: ['192.168.1.10'], port: 8555 };

const lines = (text: string) => text.split('\r\n');

function refused(name: string, text: string, kind: 'view' | 'talk' = 'view') {
  try {
    cleanOffer(text, kind);
  } catch (error) {
    assert.instance(error, SdpError, name);
    assert.ok((error as Error).message.length < 100, name);
    return;
  }
  assert.unreachable(`${name} got through`);
}

test('of an offer go2rtc gets no address and no word that is not understood', () => {
  const { sdp, parts, video, audio } = cleanOffer(
    offer({ more: ['a=foo:bar', 'a=ssrc:77 cname:x', 'a=rid:h send'] }),
    'view',
  );
  for (const trace of [
    '192.168',
    '203.0',
    '.local',
    'candidate',
    '54321',
    'foo',
    'ssrc:7',
    'rid',
    'extmap',
    'VP8',
    'red',
  ]) {
    assert.not.ok(sdp.includes(trace), trace);
  }
  assert.equal(parts, [
    { kind: 'video', mid: '0' },
    { kind: 'audio', mid: '1' },
  ]);
  assert.equal([...video], ['h264', 'h265']);
  assert.equal([...audio], ['opus', 'pcmu', 'pcma']);
  assert.equal(lines(sdp).slice(0, 7), [
    ...['v=0', 'o=- 1 1 IN IP4 0.0.0.0', 's=-', 't=0 0', 'a=group:BUNDLE 0 1'],
    ...['m=video 9 UDP/TLS/RTP/SAVPF 102 116', 'c=IN IP4 0.0.0.0'],
  ]);
  assert.equal(
    lines(sdp).filter(line => /^a=(recvonly|sendonly|sendrecv)/.test(line)),
    ['a=recvonly', 'a=recvonly'],
  );
});

test('what is cleaned stays as it is when it is cleaned again', () => {
  const { sdp } = cleanOffer(offer(), 'view');
  assert.is(cleanOffer(sdp, 'view').sdp, sdp);
});

test('line ends of one character are read as well, and a last one may be missing', () => {
  const text = offer();
  assert.is(cleanOffer(text.replaceAll('\r\n', '\n').trimEnd(), 'view').sdp, cleanOffer(text, 'view').sdp);
});

test('the transport may stand above all parts, as Firefox has its fingerprint', () => {
  const fingerprint = lines(offer()).find(line => line.startsWith('a=fingerprint')) as string;
  const without = offer({ replace: [[new RegExp(`${fingerprint}\r\n`, 'g'), '']] });
  const above = without.replace('t=0 0', `t=0 0\r\n${fingerprint}`);
  assert.is(cleanOffer(above, 'view').sdp, cleanOffer(offer(), 'view').sdp);
});

test('every part names its source: packets of others end nothing', () => {
  const view = cleanOffer(offer({ audio: null, more: ['a=ssrc:77 cname:x'] }), 'view');
  assert.equal(
    lines(view.sdp).filter(line => line.startsWith('a=ssrc')),
    ['a=ssrc:1 cname:thimble'],
  );
  const talk = cleanOffer(talkOffer(), 'talk');
  const sources = lines(talk.sdp).filter(line => line.startsWith('a=ssrc'));
  assert.equal(sources, ['a=ssrc:3735928559 cname:thimble', 'a=ssrc:1 cname:thimble']);
  for (const [name, from, to] of [
    ['none', /a=ssrc:[^\r]*/g, 'a=x'],
    ['too large', /a=ssrc:3735928559/g, 'a=ssrc:9999999999'],
    ['0', /a=ssrc:3735928559/g, 'a=ssrc:0'],
    ['that of parts that send nothing', /a=ssrc:3735928559/g, 'a=ssrc:1'],
    ['letters', /a=ssrc:3735928559/g, 'a=ssrc:abc'],
  ] as const) {
    refused(name, talkOffer({ replace: [[from, to]] }), 'talk');
  }
});

test('a talk gets a part of pictures beside it that the browser does not see, of a payload type of its own', () => {
  const talk = cleanOffer(talkOffer(), 'talk');
  assert.ok(talk.sdp.includes(`a=group:BUNDLE 1 ${HIDDEN_MID}\r\n`));
  assert.ok(/m=video 9 [^\n]* 111\r\nc=[^\n]*\r\na=mid:thimble\r\na=recvonly/.test(talk.sdp), talk.sdp);
  const plain = cleanOffer(talkOffer({ audio: { direction: 'sendonly', codecs: ['pcma', 'pcmu'] } }), 'talk');
  assert.ok(/m=video 9 [^\n]* 8\r\n/.test(plain.sdp), plain.sdp);
  const { sdp, audio } = cleanAnswer(answerTo(talk.sdp), talk, 'talk', REACH);
  assert.is(audio, true);
  assert.not.ok(sdp.includes('video') || sdp.includes(HIDDEN_MID));
  assert.ok(sdp.includes('a=group:BUNDLE 1\r\n') && sdp.includes('a=recvonly\r\n'));
});

test('offers that would make a browser a source, or do other things than watch, are refused', () => {
  for (const direction of ['sendonly', 'sendrecv', 'inactive']) {
    refused(`video ${direction}`, offer({ video: { direction } }));
  }
  for (const direction of ['sendonly', 'sendrecv']) refused(`sound ${direction}`, offer({ audio: { direction } }));
  refused('no direction', offer({ replace: [[/a=recvonly\r\n/, '']] }));
  refused('two directions', offer({ more: ['a=sendonly'] }));
  refused('only sound', offer({ video: null }));
  refused('two pictures', `${offer({ audio: null })}${offer({ audio: null, video: { mid: '2' } }).split(/(?=m=)/)[1]}`);
  refused('two sounds', `${offer()}${offer({ video: null, audio: { mid: '2' } }).split(/(?=m=)/)[1]}`);
  const channel = 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\na=sctp-port:5000\r\n';
  refused('a data channel', offer() + channel);
  refused('text', offer().replace('m=audio', 'm=text'));
  refused('message', `${offer()}m=message 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:7\r\na=recvonly\r\n`);
});

test('talkers send one sound and nothing else', () => {
  refused('pictures', offer({ audio: { direction: 'sendonly' } }), 'talk');
  refused('recvonly', talkOffer({ audio: { direction: 'recvonly' } }), 'talk');
  refused('sendrecv', talkOffer({ audio: { direction: 'sendrecv' } }), 'talk');
  refused('inactive', talkOffer({ audio: { direction: 'inactive' } }), 'talk');
  refused('nothing that cameras take', talkOffer({ audio: { direction: 'sendonly', codecs: ['red'] } }), 'talk');
  refused('a talk as a view', talkOffer(), 'view');
});

test('descriptions that are none are refused', () => {
  const flag = (count: number) => Array.from({ length: count }, (_, i) => `a=x${i}`);
  const cases: Record<string, string> = {
    empty: '',
    blank: '\r\n\r\n',
    'other version': offer().replace('v=0', 'v=1'),
    'not from its start': offer().slice(2),
    html: '<html></html>',
    json: '{"type":"offer"}',
    nul: offer().replace('s=-', 's=\0'),
    'a lone return': offer().replace('s=-', 's=-\rs=-'),
    'not ascii': offer().replace('s=-', 's=ü'),
    'no equals sign': offer().replace('s=-', 'hello'),
    'capital type': offer().replace('s=-', 'S=-'),
    'too long': offer() + 'a=x\r\n'.repeat(20_000),
    'too many lines': offer({ more: flag(500) }),
    'a long line': offer({ more: [`a=${'x'.repeat(2000)}`] }),
    'too many parts': offer() + 'm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n'.repeat(3),
    'no parts': offer({ video: null, audio: null }),
    'plain rtp': offer().replace('UDP/TLS/RTP/SAVPF', 'RTP/AVP'),
    'port 0': offer().replace('m=video 54321', 'm=video 0'),
    'a port range': offer().replace('m=video 54321', 'm=video 54321/2'),
    'no formats': offer().replace(/m=video (\d+) (\S+) .*/, 'm=video $1 $2'),
    'formats of letters': offer().replace('SAVPF 96', 'SAVPF x'),
    'too many formats': offer().replace('SAVPF 96', `SAVPF ${'1 '.repeat(150)}96`),
  };
  for (const [name, text] of Object.entries(cases)) refused(name, text);
});

test('transports that cannot work, or hold more than they should, are refused', () => {
  const every = (name: string, value: string) => offer({ replace: [[new RegExp(`a=${name}:[^\r]*`, 'g'), value]] });
  refused('no user', every('ice-ufrag', 'a=x'));
  refused('a short user', every('ice-ufrag', 'a=ice-ufrag:abc'));
  refused('a user with blanks', every('ice-ufrag', 'a=ice-ufrag:ab cd ef'));
  refused('a user with markup', every('ice-ufrag', 'a=ice-ufrag:<b>abcd'));
  refused('no password', every('ice-pwd', 'a=x'));
  refused('a short password', every('ice-pwd', 'a=ice-pwd:abc'));
  refused('no fingerprint', every('fingerprint', 'a=x'));
  refused('a weak fingerprint', every('fingerprint', 'a=fingerprint:md5 00:11'));
  refused('a cut fingerprint', every('fingerprint', 'a=fingerprint:sha-256 00:11'));
  refused('a role that is none', every('setup', 'a=setup:holdconn'));
  refused('no role left', every('setup', 'a=setup:passive'));
  refused('no names', every('mid', 'a=x'));
  refused('names of odd characters', every('mid', 'a=mid:a b'));
  refused('long names', every('mid', `a=mid:${'a'.repeat(40)}`));
  refused('one name twice', offer({ video: { mid: '1' } }));
  refused('our own name', offer({ video: { mid: HIDDEN_MID } }));
});

test('codecs of odd shape are left out, and an offer with no others is refused', () => {
  const odd = {
    'no map': [/a=rtpmap:102 [^\r]*/, 'a=x'],
    'no clock': ['H264/90000', 'H264'],
    'odd clock': ['H264/90000', 'H264/9e9'],
    'odd name': ['H264/90000', 'H264;x/90000'],
  } as const;
  for (const [name, [from, to]] of Object.entries(odd)) {
    refused(name, offer({ video: { codecs: ['h264'] }, replace: [[from, to]] }));
  }
  refused('a payload type of 128', offer({ video: { codecs: ['h264'] }, replace: [[/\b102\b/g, '128']] }));
  refused('one type twice', offer({ replace: [['SAVPF 96 102', 'SAVPF 102 102']] }));
  const strange = offer({ more: ['a=fmtp:102 x=<script>', 'a=rtcp-fb:102 "quoted"', `a=fmtp:102 ${'x'.repeat(600)}`] });
  const { sdp } = cleanOffer(strange, 'view');
  assert.not.ok(/script|quoted|xxxx/.test(sdp));
});

test('a payload type means one thing: what is said of it later is dropped, and other words for it are none', () => {
  const clocks = { 'another clock': 'H264/8000', channels: 'H264/90000/2' };
  for (const [name, to] of Object.entries(clocks))
    refused(name, offer({ video: { codecs: ['h264'] }, replace: [['H264/90000', to]] }));
  for (const to of ['PCMA/16000', 'PCMA/8000/2'])
    refused(to, talkOffer({ audio: { codecs: ['pcma'] }, replace: [['PCMA/8000', to]] }), 'talk');
  refused('a zero in front', offer({ video: { codecs: ['h264'] }, replace: [[/\b102\b/g, '0102']] }));
  const twice = offer({ video: { codecs: ['h264'] }, more: ['a=rtpmap:102 opus/48000/2', 'a=fmtp:102 apt=102'] });
  const { sdp } = cleanOffer(twice, 'view');
  assert.equal(
    lines(sdp).filter(line => /^a=(rtpmap|fmtp|rtcp-fb):102 /.test(line)),
    [
      'a=rtpmap:102 H264/90000',
      'a=rtcp-fb:102 transport-cc',
      'a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f',
    ],
  );
});

test('of an answer the browser gets our addresses only', () => {
  const cleaned = cleanOffer(offer(), 'view');
  const answer = cleanAnswer(answerTo(cleaned.sdp), cleaned, 'view', {
    addresses: ['192.168.1.10', '10.0.0.5'],
    port: 9000,
  });
  assert.equal([answer.video, answer.audio], [true, true]);
  for (const trace of ['172.17', 'fd00', '10.9.8', '8555']) assert.not.ok(answer.sdp.includes(trace), trace);
  assert.equal(
    lines(answer.sdp).filter(line => line.includes('candidate')),
    [
      'a=candidate:1 1 udp 2130706431 192.168.1.10 9000 typ host',
      'a=candidate:101 1 tcp 1671430143 192.168.1.10 9000 typ host tcptype passive',
      'a=candidate:2 1 udp 2130706175 10.0.0.5 9000 typ host',
      'a=candidate:102 1 tcp 1671429887 10.0.0.5 9000 typ host tcptype passive',
      'a=end-of-candidates',
    ],
  );
});

test('an answer tells what is carried; a part without codecs, with port 0 or of the wrong direction is not', () => {
  const cleaned = cleanOffer(offer(), 'view');
  const carried = (text: string) => {
    const { video, audio } = cleanAnswer(text, cleaned, 'view', REACH);
    return [video, audio];
  };
  assert.equal(carried(answerTo(cleaned.sdp, ['audio'])), [false, true], 'H.265 to a browser without it');
  assert.equal(carried(answerTo(cleaned.sdp, ['video'])), [true, false]);
  assert.equal(carried(answerTo(cleaned.sdp).replace('m=video 9', 'm=video 0')), [false, true]);
  assert.equal(carried(answerTo(cleaned.sdp).replace('a=sendonly', 'a=recvonly')), [false, true]);
});

test('answers that are none of this offer are refused', () => {
  const cleaned = cleanOffer(offer(), 'view');
  const text = answerTo(cleaned.sdp);
  const cases: Record<string, string> = {
    html: '404 page not found',
    'other names': text.replace('a=mid:0', 'a=mid:5'),
    'other order': text.replace('a=mid:0', 'a=mid:2').replace('a=mid:1', 'a=mid:0'),
    'a part less': text.slice(0, text.indexOf('m=audio')),
    'a part more': `${text}m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:9\r\na=setup:active\r\n`,
    'another kind': text.replace('m=video', 'm=audio'),
    'no role': text.replace('a=setup:active', 'a=setup:actpass'),
    'no fingerprint': text.replace(/a=fingerprint[^\r]*/, 'a=x'),
    'no password': text.replace(/a=ice-pwd[^\r]*/g, 'a=x'),
  };
  for (const [name, answer] of Object.entries(cases)) {
    assert.throws(
      () => cleanAnswer(answer, cleaned, 'view', REACH),
      (error: unknown) => error instanceof SdpError,
      name,
    );
  }
});

test('random damage is refused or cleaned, and never takes long', () => {
  const seed = Date.now() % 100_000;
  let state = seed;
  const random = (below: number) => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state % below;
  };
  const whole = offer();
  for (let round = 0; round < 400; round++) {
    const at = random(whole.length);
    const piece = [String.fromCharCode(random(256)), '\r\n', whole.slice(random(whole.length)), 'a=recvonly\r\n'][
      random(4)
    ];
    const text = whole.slice(0, at) + piece + whole.slice(at + random(40));
    try {
      const { sdp } = cleanOffer(text, 'view');
      assert.not.ok(/candidate|192\.168|\.local/.test(sdp), `seed ${seed}, round ${round}`);
      cleanOffer(sdp, 'view');
    } catch (error) {
      assert.instance(error, SdpError, `seed ${seed}, round ${round}: ${error}`);
    }
  }
});

test.run();
