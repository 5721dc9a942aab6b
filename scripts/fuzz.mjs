// Fuzzes the parsers of native/ with libFuzzer, one after the other: npm run fuzz -- [TARGET] [SECONDS], by default all of
// them for a minute each. What it learns stays in build/fuzz-corpus, input that does harm in out/fuzz. The exit code is
// 1 when there is any.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fuzzCompiler, requireFuzzPackages } from './packages.mjs';
import { giveUp, root, run, SetupError, say } from './terminal.mjs';

const folder = join(root, 'build', 'fuzz');
const program = join(folder, 'fuzz');
const corpus = join(root, 'build', 'fuzz-corpus');
const out = join(root, 'out', 'fuzz');

function build() {
  requireFuzzPackages();
  say('building the fuzz targets');
  const compiler = `-DCMAKE_CXX_COMPILER=${fuzzCompiler()}`;
  run('cmake', 'cmake', ['-S', join(root, 'native'), '-B', folder, '-G', 'Ninja', compiler, '-DTHIMBLE_FUZZ=ON']);
  run('ninja', 'ninja', ['-C', folder, '-j', process.env.JOBS ?? '2', 'fuzz']);
}

/** True when nothing was found. @param {string} target @param {number} seconds */
function fuzz(target, seconds) {
  const learnt = join(corpus, target);
  const seeds = join(corpus, `${target}.seeds`);
  for (const path of [learnt, seeds, out]) mkdirSync(path, { recursive: true });
  run('writing seeds', program, [`--target=${target}`, `--write-seeds=${seeds}`]);
  say(`${target} for ${seconds} s`);
  const limits = ['-timeout=10', '-rss_limit_mb=1024', '-max_len=16384', '-print_final_stats=1'];
  const args = [`-max_total_time=${seconds}`, ...limits, `-artifact_prefix=${join(out, `${target}-`)}`, learnt, seeds];
  const { status } = spawnSync(program, [`--target=${target}`, ...args], { stdio: 'inherit' });
  return status === 0;
}

/** Target and seconds may stand in either order. @param {string[]} args @param {string[]} known */
function chosen(args, known) {
  const seconds = Number(args.find(arg => /^[1-9]\d{0,6}$/.test(arg)) ?? 60);
  const names = args.filter(arg => !/^\d+$/.test(arg));
  for (const name of names) {
    if (!known.includes(name))
      throw new SetupError(`there is no fuzz target "${name}"; there are ${known.join(', ')}.`, 2);
  }
  return { names: names.length > 0 ? names : known, seconds };
}

try {
  build();
  const known = execFileSync(program, { encoding: 'utf8' }).trim().split('\n');
  const { names, seconds } = chosen(process.argv.slice(2), known);
  const broken = names.filter(name => !fuzz(name, seconds));
  if (broken.length > 0) {
    const files = existsSync(out)
      ? readdirSync(out).filter(file => broken.some(name => file.startsWith(`${name}-`)))
      : [];
    throw new SetupError(`harm is done to ${broken.join(', ')}; the input lies in ${out}: ${files.join(', ')}`);
  }
  say('nothing found');
} catch (error) {
  giveUp(error);
}
