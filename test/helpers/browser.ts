// The system's Chromium, driven by playwright-core. Nothing is downloaded: without Chromium, these tests are skipped.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { root } from './notebook';

/** The folder of pictures to be looked at. */
export const screenshots = join(root, 'artifacts', 'screenshots');

const executable = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
].find((path) => existsSync(path));

/** Like `describe`, but skipped, with the reason in the title, on a machine without a browser. */
export function describeInBrowser(title: string, tests: () => void): void {
  if (executable) {
    describe(title, tests);
  } else {
    describe.skip(`${title} (skipped: no Chromium found, on Debian \`apt install chromium\`)`, tests);
  }
}

/**
 * Starts Chromium with an empty profile and without its background requests. It finds no other machine: unlike
 * playwright's routes, which would switch off Chromium's cache, this leaves pages quick to open.
 */
export function launchBrowser(): Promise<Browser> {
  mkdirSync(screenshots, { recursive: true });
  return chromium.launch({
    executablePath: executable,
    args: [
      ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
    ],
  });
}
