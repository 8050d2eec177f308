import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tensorflowVersion } from 'mnist-lib';
import { root } from '../../helpers/notebook';

test('tensorflowVersion() is the version of the pinned wheel', () => {
  const pinned = readFileSync(join(root, 'requirements-tensorflow.txt'), 'utf8');
  expect(pinned).toContain(`==${tensorflowVersion()}`);
});
