// Reads what tape prints (TAP 13) and counts.

/**
 * Counts the assertions of one test file's output.
 *
 * A file that ended before its plan line (`1..N`), with a non-zero status though every assertion passed, or without
 * having asserted anything, counts as one failure more: a test must not vanish silently.
 * @param {string} output standard output of the file
 * @param {number} status its exit status
 * @returns {{ passed: number, failed: number, skipped: number, problem?: string }} `problem`: a sentence on what is
 *   wrong beyond failed assertions
 */
export function summarizeTap(output, status) {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  let planned = false;
  for (const line of output.split('\n')) {
    if (/^ok\b.*# SKIP\b/i.test(line) || /^# SKIP\b/.test(line)) skipped++;
    else if (/^not ok\b.*# TODO\b/i.test(line)) skipped++;
    else if (/^ok\b/.test(line)) passed++;
    else if (/^not ok\b/.test(line)) failed++;
    else if (/^1\.\.\d+/.test(line)) planned = true;
  }
  let problem;
  if (!planned) problem = 'the file ended before all its tests did';
  else if (passed + failed + skipped === 0) problem = 'the file asserted nothing';
  else if (status !== 0 && failed === 0) problem = `every assertion passed but the exit status is ${status}`;
  if (problem !== undefined) failed++;
  return problem === undefined ? { passed, failed, skipped } : { passed, failed, skipped, problem };
}

/** The parts of the output that tell about failures: each `not ok` with its details and the test's name. */
export function failuresOf(output) {
  const kept = [];
  let name = '';
  let inFailure = false;
  for (const line of output.split('\n')) {
    if (/^# /.test(line)) {
      name = line;
      inFailure = false;
    } else if (/^not ok\b/.test(line)) {
      if (name !== '') kept.push(name);
      name = '';
      inFailure = true;
      kept.push(line);
    } else if (/^ok\b/.test(line) || /^1\.\.\d+/.test(line)) {
      inFailure = false;
    } else if (inFailure) {
      kept.push(line);
    }
  }
  return kept.join('\n');
}
