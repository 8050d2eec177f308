// The system's Chromium, driven by playwright-core. Nothing is downloaded: without Chromium, these tests are skipped.
import { existsSync, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, type Request, chromium } from 'playwright-core';
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

/** Opens a page on this disk, and returns its text, its number of formulas, and the other addresses that it asks. Takes a picture of it. */
export async function openFile(path: string): Promise<{ text: string; formulas: number; requests: string[] }> {
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    const requests: Request[] = [];
    page.on('request', (request) => requests.push(request));
    await page.goto(pathToFileURL(path).href, { waitUntil: 'load' });
    await page.screenshot({ path: join(screenshots, `${basename(path)}.png`) });
    return {
      text: await page.innerText('body'),
      formulas: await page.locator('math').count(),
      // Without those that the page's own policy forbids: the browser did not send them.
      requests: requests
        .slice(1)
        .filter((request) => request.failure()?.errorText !== 'csp')
        .map((request) => request.url()),
    };
  } finally {
    await browser.close();
  }
}
