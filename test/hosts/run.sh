#!/bin/bash
# Runs this project's KVM tests and example sessions on the real kvm_amd and kvm_intel modules, on a machine that may
# have neither: a runner script boots a small Linux with the module in an emulator (docs/hosts.md).
#
#   KVM_HOST_RUNNER=/path/to/run-in-kvm-host.sh test/hosts/run.sh [svm|vmx] [COMMAND...]
#
# Without a host: both. Without a command: doctor, test/kvm, the sessions. `npm run build` comes first. The runner is
# called with -H HOST, -p FOLDER (copied, and the command's working folder), -b PROGRAM and -a PATH (taken along),
# -t SECONDS, and -- COMMAND. OUTPUT names the compiled project if it is not dist.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [[ ! -x ${KVM_HOST_RUNNER:-} ]]; then
  echo "Skipped: KVM_HOST_RUNNER does not name an executable script that runs a command in a KVM host." >&2
  exit 0
fi
output=${OUTPUT:-dist}
[[ -e $output/src/cli/main.js && -e build/Release/kvm.node ]] || { echo "Nothing is built in $output; run: npm run build" >&2; exit 1; }
hosts=(svm vmx); case ${1:-} in svm|vmx) hosts=("$1"); shift;; esac

copy=$(mktemp -d); trap 'rm -rf "$copy"' EXIT
mkdir -p "$copy/build/Release" "$copy/$(dirname "$output")"
cp -a package.json examples gdb "$copy/"
cp -a build/Release/kvm.node "$copy/build/Release/"
cp -a "$output" "$copy/$output"
cp -a node_modules "$copy/"
rm -rf "$copy"/node_modules/{typescript,typescript-eslint,@typescript-eslint,eslint,@eslint,@types,node-gyp}

suite="node $output/src/cli/main.js doctor || exit 1
failed=0
for f in \$(find $output/test/kvm -name '*.test.js' | sort) $output/test/gdb/examples.test.js; do
  echo \"# \$f\"; timeout 300 node_modules/.bin/tape \$f || { failed=1; echo \"# FAILED \$f\"; }
done
exit \$failed"
(($#)) || set -- bash -c "$suite"
# gdb converts its symbols' names with iconv, whose tables lie beside the C library.
along=(-b "$(command -v make)"); gconv=/usr/lib/x86_64-linux-gnu/gconv
if [[ -d $gconv ]]; then along+=(-a "$gconv"); fi
status=0
for host in "${hosts[@]}"; do
  echo "=== $host"
  "$KVM_HOST_RUNNER" -H "$host" -p "$copy" "${along[@]}" -t "${HOST_SECONDS:-1800}" -- "$@" || status=$?
done
exit "$status"
