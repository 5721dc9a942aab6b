// The entry of a release (dist/thimble.js): compiles service.js with V8's code cache, which saves compiling it at each start.
// Whatever is wrong with the cache (none, damaged, of another Node or CPU), the service starts without it and makes it anew.
'use strict';

const { createHash } = require('node:crypto');
const { readFileSync, renameSync, rmSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { Script } = require('node:vm');

const DIGEST_BYTES = 32;
/** By then what a start needs has run once, and is in the cache as compiled code. */
const WRITE_AFTER_MS = 10_000;

const program = join(__dirname, 'service.js');
const cache = join(__dirname, 'service.cache');
const source = readFileSync(program);

/**
 * V8 compares the length of the source, its own version and its flags, and believes the rest. So the file begins with a
 * digest of the source and of the data behind it.
 * @param {Buffer} data
 */
function digestOf(data) {
  return createHash('sha256').update(source).update(data).digest();
}

/** @returns {Buffer | undefined} */
function readCache() {
  try {
    const file = readFileSync(cache);
    const data = file.subarray(DIGEST_BYTES);
    return digestOf(data).equals(file.subarray(0, DIGEST_BYTES)) ? data : undefined;
  } catch {
    return undefined;
  }
}

/** Where the folder is read-only there will be no cache; nothing else depends on it. */
function writeCache() {
  const draft = `${cache}.${process.pid}.part`;
  try {
    const data = script.createCachedData();
    writeFileSync(draft, Buffer.concat([digestOf(data), data]), { flag: 'wx' });
    renameSync(draft, cache);
  } catch {
    rmSync(draft, { force: true });
  }
}

const cachedData = readCache();
const wrapped = `(function (exports, require, module, __filename, __dirname) {${source}\n})`;
const script = new Script(wrapped, { filename: program, ...(cachedData && { cachedData }) });
if (!cachedData || script.cachedDataRejected) setTimeout(writeCache, WRITE_AFTER_MS).unref();
script.runInThisContext()(exports, require, module, program, __dirname);
