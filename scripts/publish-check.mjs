// Before `npm publish`: a provenance statement names the repository that the package was built from, so package.json has to.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './root.mjs';
import { StepError, dieOf } from './run-quietly.mjs';

try {
  const { repository } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  if (typeof repository?.url !== 'string') {
    throw new StepError('package.json names no repository yet, which provenance needs: npm pkg set repository.type=git repository.url=git+https://...');
  }
} catch (error) {
  dieOf(error);
}
