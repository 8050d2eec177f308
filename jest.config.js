// TensorFlow's warnings and errors only, not its banner.
process.env.TF_CPP_MIN_LOG_LEVEL = '2';

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: '<rootDir>/test/helpers/environment.js',
  roots: ['<rootDir>/test'],
  transform: { '^.+\\.ts$': ['ts-jest', { tsconfig: '<rootDir>/test/tsconfig.json' }] },
  testSequencer: '<rootDir>/test/helpers/sequencer.js',
  maxWorkers: 2,
  testTimeout: 60_000,
};
