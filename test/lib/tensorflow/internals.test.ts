import { spawnSync } from 'node:child_process';
import { root } from '../../helpers/notebook';

test.each(['tfjs-core', 'tfjs-layers', 'tfjs-node'])(
  'the library refuses another version of %s, with a clear message',
  (name) => {
    const script = `require('@tensorflow/tfjs-node').version['${name}'] = '4.23.0';\nrequire('mnist-lib');`;
    const { status, stderr } = spawnSync(process.execPath, ['-e', script], { cwd: root, encoding: 'utf8' });
    expect([status, stderr]).toEqual([
      1,
      expect.stringContaining(`mnist-lib was written for ${name} 4.22.0 and found 4.23.0: `),
    ]);
  },
);
