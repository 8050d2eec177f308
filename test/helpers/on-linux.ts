/** A test of what only Linux has, such as /proc; skipped elsewhere. */
export const testOnLinux = process.platform === 'linux' ? test : test.skip;
