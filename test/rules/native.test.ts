// native/ keeps its one-way order.
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';
import { includeBreaches } from './native.ts';
import { projectFiles } from './tree.ts';

const test = suite('native includes');

test('native includes downwards only, and Node only in binding', () => {
  assert.equal(includeBreaches(projectFiles(/^native\/.*\.(cc|h)$/)), []);
});

/** File, its text, what the breach must say (none = allowed). */
const SAMPLES: [string, string, string?][] = [
  ['native/media/a.cc', '#include "rtsp/sdp.h"'],
  ['native/media/a.cc', '#include <vector>'],
  ['native/binding/a.cc', '#include <napi.h>'],
  ['native/addon.cc', '#include "binding/engine.h"'],
  ['native/rtsp/a.h', '// #include "media/ring.h"'],
  ['native/rtsp/a.h', '#include "media/ring.h"', 'rtsp may include nothing else of ours'],
  ['native/rtsp/a.h', '#include "../media/ring.h"', 'rtsp may include nothing else of ours'],
  ['native/rtsp/a.h', '#include "binding/engine.h"', 'rtsp may include nothing else of ours'],
  ['native/media/a.h', '#include "binding/engine.h"', 'media may include rtsp'],
  ['native/media/a.h', '#  include <napi.h>', 'only native/binding'],
  ['native/test/a.cc', '#include <node_api.h>', 'only native/binding'],
  ['native/novel/a.cc', '#include "media/ring.h"', '"novel" is not a folder'],
];
for (const [path, text, words] of SAMPLES) {
  test(`${words ? 'refuses' : 'allows'} ${path}: ${text}`, () => {
    const breaches = includeBreaches([{ path, text }]);
    assert.is(breaches.length, words ? 1 : 0);
    if (words) assert.match(breaches[0] ?? '', words);
  });
}

test.run();
