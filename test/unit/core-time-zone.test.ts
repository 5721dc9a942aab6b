import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { timeZoneName } from '../../src/core/index.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('core time zone');
const OWN = Intl.DateTimeFormat().resolvedOptions().timeZone;

function etc(link: string | undefined, text?: string): string {
  const dir = join(tempDir('etc'), 'etc');
  mkdirSync(dir);
  if (link !== undefined) symlinkSync(link, join(dir, 'localtime'));
  if (text !== undefined) writeFileSync(join(dir, 'timezone'), text);
  return dir;
}

test('is what the environment says, then the link, then the file', () => {
  const folder = etc('/usr/share/zoneinfo/Asia/Tokyo', 'Europe/Paris\n');
  assert.is(timeZoneName('Europe/Berlin', folder), 'Europe/Berlin');
  assert.is(timeZoneName(':America/Argentina/Buenos_Aires', folder), 'America/Argentina/Buenos_Aires');
  assert.is(timeZoneName('', folder), 'Asia/Tokyo');
  assert.is(timeZoneName(undefined, folder), 'Asia/Tokyo');
  assert.is(timeZoneName(undefined, etc('../usr/share/zoneinfo/posix/Etc/GMT+5')), 'Etc/GMT+5');
  assert.is(timeZoneName(undefined, etc(undefined, 'Europe/Paris\n')), 'Europe/Paris');
  assert.is(timeZoneName('UTC'), 'UTC');
});

test('what is no name is asked of those who know', () => {
  assert.is(timeZoneName('CET-1CEST,M3.5.0,M10.5.0/3', '/nowhere'), OWN);
  assert.is(timeZoneName(undefined, '/nowhere'), OWN);
  assert.is(timeZoneName(undefined, etc('/somewhere/else', 'x'.repeat(500))), OWN);
  assert.is(timeZoneName(undefined, etc('/usr/share/zoneinfo/../../../etc/passwd')), OWN);
});

test.run();
