// The colours of JupyterLab's theme, or else those that the reader's system prefers.
const COLORS = `
  :host {
    --paper: var(--jp-layout-color0, #ffffff);
    --ink: var(--jp-content-font-color1, #222222);
    --grey: var(--jp-content-font-color2, #616161);
    --line: var(--jp-border-color1, #bdbdbd);
    --blue: #0072b2;
    color-scheme: light;
    display: block;
    background: var(--paper);
    color: var(--ink);
    font: 16px/1.5 Arial, Helvetica, sans-serif;
  }
  @media (prefers-color-scheme: dark) {
    :host(:not([data-theme])) {
      --paper: #111111;
      --ink: #eeeeee;
      --grey: #b0b0b0;
      --line: #616161;
      --blue: #56b4e9;
      color-scheme: dark;
    }
  }
  :host([data-theme='dark']) {
    --blue: #56b4e9;
    color-scheme: dark;
  }
`;

/**
 * Makes a part of the page of a function that fills a shadow root, into which no style of the page comes and out of which none
 * goes. The part replaces what its root element contains, the still picture, once it is complete.
 *
 * @param fill adds the elements of the part, with their own style. The root is not in the page yet.
 * @returns a function of the root element and the data, which the script of the output calls.
 */
export function part<Data>(fill: (shadow: ShadowRoot, data: Data) => void): (root: Element, data: Data) => void {
  return (root, data) => {
    const host = document.createElement('div');
    host.dataset.lmSuppressShortcuts = 'true'; // JupyterLab leaves alone the keys that are typed here
    const shadow = host.attachShadow({ mode: 'open' });
    addStyle(shadow, COLORS);
    fill(shadow, data);
    followTheme(host);
    root.replaceChildren(host);
  };
}

/** Adds rules that apply in this part only. */
export function addStyle(shadow: ShadowRoot, css: string): void {
  const style = document.createElement('style');
  style.textContent = css;
  shadow.append(style);
}

/** JupyterLab says on the page's body whether its theme is light. Elsewhere, the system's preference counts. */
function followTheme(host: HTMLElement): void {
  const update = () => {
    const { jpThemeLight } = document.body.dataset;
    if (jpThemeLight) {
      host.dataset.theme = jpThemeLight === 'false' ? 'dark' : 'light';
    }
  };
  update();
  new MutationObserver(update).observe(document.body, { attributeFilter: ['data-jp-theme-light'] });
}
