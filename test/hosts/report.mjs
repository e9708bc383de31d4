// What `npm run test:hosts` prints, and what it counts.

/** Counts of one host, and what it skipped or missed, in words. */
class HostReport {
  passed = 0;
  failed = 0;
  skipped = 0;
  seconds = 0;
  restarts = 0;
  /** Of each file that has run. */
  results = new Map();
  /** Each reason once, in the order they came. */
  reasons = new Set();

  /** @param {string} name @param {string} title what the host is */
  constructor(name, title) {
    this.name = name;
    this.title = title;
  }
}

/** The reports of all hosts. Its lines carry their host's name, because two hosts may run at a time. */
export class Report {
  hosts = [];

  /**
   * @param {(line: string) => void} write
   * @param {() => void} kept called whenever a file's result has been added
   */
  constructor(write, kept = () => undefined) {
    this.write = write;
    this.kept = kept;
  }

  /** Announces a host and returns what its results are counted in. */
  begin(name, title) {
    const host = new HostReport(name, title);
    this.hosts.push(host);
    this.write(`${name}: ${title}`);
    return host;
  }

  /** @param {HostReport} host @param {object} result one file's, as run-job.mjs gives it */
  file(host, result) {
    for (const key of ['passed', 'failed', 'skipped']) host[key] += result[key];
    host.results.set(result.file, result);
    const parts = [`${result.passed} passed`];
    if (result.failed > 0) parts.push(`${result.failed} FAILED`);
    if (result.skipped > 0) parts.push(`${result.skipped} skipped`);
    this.write(`${host.name.padEnd(6)} ${result.file.padEnd(50)} ${parts.join(', ').padEnd(24)} ${result.seconds.toFixed(1).padStart(6)} s`);
    for (const reason of result.reasons) host.reasons.add(reason);
    if (result.problem !== undefined) this.write(`  ${result.problem}`);
    if (result.details !== '') this.write(result.details);
    this.kept();
  }

  /** The file is not run there, and why. */
  leftOut(host, file, reason) {
    this.file(host, { file, passed: 0, failed: 0, skipped: 1, seconds: 0, details: '', reasons: [reason] });
  }

  /** The host cannot be had here: nothing failed. */
  unavailable(host, reason) {
    this.write(`${host.name}: skipped: ${reason}`);
    host.skipped++;
    host.reasons.add(reason);
  }

  /** The host was lost and is started once more: not a failure of a test, but not to be overlooked. */
  again(host, trouble, files) {
    this.write(`${host.name}: ${trouble}\n${host.name}: it is started once more, with ${files.length} files from ${files[0]} on`);
    host.restarts++;
  }

  /** The time is up: what was not reached is skipped. */
  notReached(host, seconds, files) {
    const reason = `not reached in ${seconds} seconds: ${files.join(', ')}`;
    this.write(`${host.name}: ${reason}`);
    host.skipped += files.length;
    host.reasons.add(reason);
  }

  /** The host was lost; the files that it owed count as failed. */
  lost(host, trouble, missing) {
    this.write(`${host.name} FAILED: ${trouble}`);
    for (const file of missing) {
      this.write(`${host.name} ${file} has no result`);
      host.results.set(file, { file, passed: 0, failed: 1, skipped: 0, reasons: [] });
    }
    host.failed += Math.max(1, missing.length);
    this.kept();
  }

  /** The table of all hosts, in Markdown, with what was skipped below it; then the sum, as its last line. */
  end() {
    this.write('');
    this.write(`| host | ${' '.repeat(26)} | passed | failed | skipped | seconds |`);
    this.write('|---|---|---:|---:|---:|---:|');
    for (const { name, title, passed, failed, skipped, seconds } of this.hosts) {
      const numbers = [String(passed).padStart(6), String(failed).padStart(6), String(skipped).padStart(7), seconds.toFixed(0).padStart(7)];
      this.write(`| ${name.padEnd(4)} | ${title.padEnd(26)} | ${numbers.join(' | ')} |`);
    }
    for (const { name, reasons, restarts } of this.hosts) {
      for (const reason of reasons) this.write(`${name} skipped: ${reason}`);
      if (restarts > 0) this.write(`${name} was lost and started once more`);
    }
    this.write('');
    const sum = (key) => this.hosts.reduce((total, host) => total + host[key], 0);
    this.write(`${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`);
  }

  /** Exit status: 0 if nothing failed. */
  get status() {
    return this.hosts.every(({ failed }) => failed === 0) ? 0 : 1;
  }
}
