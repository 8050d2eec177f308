import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tensorflowVersion } from 'mnist-lib';

test('tensorflowVersion() is the version of the pinned wheel', () => {
  const pinned = readFileSync(join(__dirname, '..', 'requirements-tensorflow.txt'), 'utf8');
  expect(pinned).toContain(`==${tensorflowVersion()}`);
});
