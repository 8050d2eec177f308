const { TestEnvironment } = require('jest-environment-node');

/** Gives tests Node's own typed arrays: the addon returns them, and tfjs checks for them by instanceof. */
module.exports = class extends TestEnvironment {
  async setup() {
    await super.setup();
    Object.assign(this.global, { ArrayBuffer, Float32Array, Int32Array, Uint8Array });
  }
};
