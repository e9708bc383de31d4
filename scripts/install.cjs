// What npm runs after it has unpacked the package. The prebuilt binary is there already; only where it cannot be loaded is
// the binding built. On another system there is nothing to build: the package installs, so that its types can be used and a
// project that depends on it can be worked on, and says at run time what it needs.
'use strict';
const { spawnSync } = require('node:child_process');
const { makeCodeCache } = require('./code-cache.cjs');

if (process.platform !== 'linux' || process.arch !== 'x64') {
  console.log(`kvm-gdbserver runs guests on Linux on x86-64 only; on ${process.platform} on ${process.arch} it is installed without its native binding.`);
} else {
  const { status } = spawnSync(process.execPath, [require.resolve('node-gyp-build/bin.js')], { stdio: 'inherit' });
  if (status !== 0) {
    console.error('kvm-gdbserver: no prebuilt binary fits this system, and building one failed (above); ' +
      'it takes g++, make, python3 and the kernel\'s headers (linux/kvm.h).');
    process.exitCode = 1;
  } else {
    makeCodeCache();
  }
}
