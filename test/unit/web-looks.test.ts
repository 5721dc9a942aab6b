// Contrast of the colours, computed from the style sheet itself, and words for every reason that the service knows.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { GAP_REASONS } from '../../src/core/index.ts';
import { gapCure, gapKind, reasonWords } from '../../web/src/components/reasons.ts';
import { suite } from '../support/suite.ts';

const test = suite('web looks');
const WEB = fileURLToPath(new URL('../../web/', import.meta.url));
const TOKENS = readFileSync(join(WEB, 'src/css/tokens.css'), 'utf8');

/** Colours of the blocks whose selector matches, later ones over earlier ones. */
function colours(selector: RegExp): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [, name = '', body = ''] of TOKENS.matchAll(/(:root[^{]*)\{([^}]*)\}/g))
    if (selector.test(name.trim()))
      for (const [, key = '', value = ''] of body.matchAll(/--([\w-]+): (#[0-9a-f]{6})/g)) found[key] = value;
  return found;
}

const DARK = colours(/^:root$/);
const LIGHT = colours(/^:root\[data-theme="light"\]$/);
const SYSTEM_LIGHT = colours(/^:root:not\(\[data-theme="dark"\]\)$/);

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map(at => {
    const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Of WCAG 2.2. */
function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

test('black and white have the contrast that WCAG gives them', () => {
  assert.is(contrast('#000000', '#ffffff').toFixed(1), '21.0');
  assert.is(contrast('#777777', '#ffffff').toFixed(2), '4.48');
});

for (const [name, theme] of Object.entries({ dark: DARK, light: LIGHT })) {
  const of = (token: string) => {
    const value = theme[token];
    if (value === undefined) throw new Error(`${name} has no ${token}`);
    return value;
  };
  test(`${name}: texts have 4.5, borders of controls and pictures 3`, () => {
    for (const ground of ['bg', 'surface', 'raised']) {
      for (const ink of ['text', 'muted', 'accent', 'ok', 'warn', 'danger'])
        assert.ok(contrast(of(ink), of(ground)) >= 4.5, `${ink} on ${ground}: ${contrast(of(ink), of(ground))}`);
      assert.ok(contrast(of('edge'), of(ground)) >= 3, `edge on ${ground}`);
    }
    for (const mark of ['footage', 'motion', 'person', 'vehicle', 'animal'])
      assert.ok(contrast(of(mark), of('surface')) >= 3, mark);
    assert.ok(contrast(of('on-accent'), of('accent')) >= 4.5);
    assert.ok(contrast(of('on-danger'), of('danger')) >= 4.5);
  });
}

test('light is light, whether the system or the reader chose it', () => {
  assert.equal(SYSTEM_LIGHT, LIGHT);
  assert.equal(Object.keys(LIGHT).sort(), Object.keys(DARK).sort());
});

test('sheets and pages use only tokens that there are, and no colours of their own', () => {
  const known = new Set([...TOKENS.matchAll(/--([\w-]+):/g)].map(([, name]) => name));
  for (const path of readdirSync(join(WEB, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!path.endsWith('.css')) continue;
    const text = readFileSync(join(WEB, 'src', path), 'utf8');
    const own = new Set([...text.matchAll(/--([\w-]+):/g)].map(([, name]) => name));
    for (const [, name = '', fallback] of text.matchAll(/var\(--([\w-]+)(,)?/g)) {
      // What a component sets through its element has a fallback, or is set there under this very name.
      if (fallback || known.has(name) || own.has(name)) continue;
      assert.ok(isSetByProgram(name), `${path}: --${name} is set nowhere`);
    }
    if (path.endsWith('tokens.css')) continue;
    const colours = [...text.matchAll(/#[0-9a-f]{3,8}\b/gi)].map(([colour]) => colour.toLowerCase());
    assert.equal(
      colours.filter(colour => !/^#(000|fff)(000|fff)?$/.test(colour)),
      [],
      path,
    );
  }
});

function isSetByProgram(name: string): boolean {
  return readdirSync(join(WEB, 'src'), { recursive: true, encoding: 'utf8' })
    .filter(path => /\.tsx?$/.test(path))
    .some(path => readFileSync(join(WEB, 'src', path), 'utf8').includes(`--${name}'`));
}

test('every reason of a gap has words and a way to be drawn', () => {
  const words = GAP_REASONS.map(reason => reasonWords(reason));
  assert.is(new Set(words).size >= GAP_REASONS.length - 1, true, words.join());
  for (const reason of GAP_REASONS) {
    assert.not.equal(reasonWords(reason), '', reason);
    assert.match(['fault', 'intended', 'deleted'].join(), gapKind(reason));
  }
  const intended = GAP_REASONS.filter(reason => gapKind(reason) === 'intended');
  assert.equal(intended, ['schedule', 'stopped', 'disabled', 'privacy', 'quiet']);
  // The board heals a restart and a set clock by itself.
  const faults = GAP_REASONS.filter(reason => gapKind(reason) === 'fault' && !gapCure(reason));
  assert.equal(faults, ['restart', 'clock']);
});

test('a reason of a newer service is shown as it is', () => {
  assert.is(reasonWords('solar-flare' as never), 'solar-flare');
});

test.run();
