// TensorFlow prints warnings and errors only, without its banner.
process.env.TF_CPP_MIN_LOG_LEVEL = '2';

/** @type {import('jest').Config} */
module.exports = {
  globalSetup: '<rootDir>/test/helpers/build.mjs',
  testEnvironment: '<rootDir>/test/helpers/environment.js',
  roots: ['<rootDir>/test'],
  transform: { '^.+\\.ts$': ['ts-jest', { tsconfig: '<rootDir>/test/tsconfig.json' }] },
  testSequencer: '<rootDir>/test/helpers/sequencer.js',
  maxWorkers: 2,
  testTimeout: 60_000,
};
