const { TestEnvironment } = require('jest-environment-node');

/** Node as tests see it, with the typed arrays of Node itself: those are what the addon gives back, and tfjs asks for. */
module.exports = class extends TestEnvironment {
  async setup() {
    await super.setup();
    Object.assign(this.global, { ArrayBuffer, Float32Array, Int32Array, Uint8Array });
  }
};
