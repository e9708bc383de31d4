// Runs inside an emulated host: what /job.json says. Each line of its output is one JSON value: { module } first, then a
// result for each file (run-job.mjs).
import { existsSync, readFileSync } from 'node:fs';
import { runJob } from './run-job.mjs';

const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

const job = JSON.parse(readFileSync('/job.json', 'utf8'));
say({ module: existsSync(`/sys/module/${job.module}`) && existsSync('/dev/kvm') ? job.module : null });
await runJob({ ...job, maySkip: true }, say);
