// Makes a checkout ready to run, step by step and each only when needed: npm packages, system packages, addon, bundle, web pages.
// With --tests also what `npm test` needs, with --faults what `npm run faults` needs. Uses nothing but Node's own modules until
// node_modules is there.
import { addonIsCurrent, buildAddon } from './addon.mjs';
import { buildBundle, bundleIsCurrent } from './bundle.mjs';
import { dependenciesAreCurrent, installDependencies } from './dependencies.mjs';
import { lmdbIsMended, mendLmdb } from './lmdb.mjs';
import { takeLock } from './lock.mjs';
import { requireBuildPackages, requireFaultPackages, requireTestPackages, wishForTestPackages } from './packages.mjs';
import { giveUp, SetupError } from './terminal.mjs';
import { mendUws, uwsIsMended } from './uws.mjs';
import { buildWeb, webIsCurrent } from './web.mjs';

const forFaults = process.argv.includes('--faults');
const forTests = forFaults || process.argv.includes('--tests');

try {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < 20) throw new SetupError(`Node.js 20 or newer is needed, this is ${process.version}.`, 2);
  const binariesAreMended = lmdbIsMended() && uwsIsMended();
  const isBuilt = addonIsCurrent() && bundleIsCurrent() && webIsCurrent();
  const ready = dependenciesAreCurrent() && binariesAreMended && isBuilt;
  if (!ready || forTests) {
    takeLock();
    if (forFaults) requireFaultPackages();
    else if (forTests) requireTestPackages();
    else if (!addonIsCurrent()) requireBuildPackages();
    if (!dependenciesAreCurrent()) installDependencies();
    mendLmdb();
    mendUws();
    buildAddon();
    await buildBundle();
    await buildWeb();
    if (forTests) wishForTestPackages();
  }
} catch (error) {
  giveUp(error);
}
