import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

const NODE_GLOBALS = [
  ...['process', 'console', 'performance', 'URL', 'URLSearchParams', 'Buffer', 'fetch'],
  ...['AbortController', 'AbortSignal'],
  ...['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate'],
];
/** @type {Record<string, 'readonly'>} */
const nodeGlobals = Object.fromEntries(NODE_GLOBALS.map((name) => [name, 'readonly']));
/** @type {Record<string, 'readonly' | 'writable'>} */
const commonJsGlobals = { module: 'writable', require: 'readonly', __dirname: 'readonly' };

export default tseslint.config(
  { ignores: ['*/dist/', '*/dist.partial/', 'node_modules/', '**/.venv/', '.jupyter/', 'out/'] },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: tseslint.configs.recommendedTypeChecked,
    languageOptions: { parserOptions: { projectService: true } },
  },
  { files: ['**/*.mjs'], languageOptions: { globals: nodeGlobals } },
  {
    files: ['**/*.js'],
    languageOptions: { sourceType: 'commonjs', globals: { ...nodeGlobals, ...commonJsGlobals } },
  },
  {
    files: ['labextension/static/*.js'],
    languageOptions: { globals: { document: 'readonly', ResizeObserver: 'readonly' } },
  },
);
