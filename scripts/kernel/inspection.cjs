// What Jupyter shows about a name: with Tab what it may become, with Shift-Tab its type and documentation. tslab asks
// TypeScript; here the answers keep what tslab loses of them, such as which sentence says what a function returns.

/** The content of an inspect_reply. */
function inspection({ code, cursor_pos }, inspect) {
  const position = toIndex(code, cursor_pos);
  // Between the brackets of a call, where nothing else stands, it is the function that one wants to read about.
  const info = inspect(code, position) ?? inspect(code, calleeBefore(code, position));
  const data = info ? { 'text/plain': plainText(info), 'text/markdown': markdown(info) } : {};
  return { status: 'ok', found: Boolean(info), data, metadata: {} };
}

/** The content of a complete_reply. */
function completion({ code, cursor_pos }, complete) {
  const { start, end, candidates, original } = complete(code, toIndex(code, cursor_pos));
  const place = { cursor_start: toCursor(code, start), cursor_end: toCursor(code, end) };
  // In a field that the protocol has not yet, as IPython's kernel does: JupyterLab shows the kind of each match, and asks
  // about those that are here for their documentation. Of what is exported again TypeScript knows no more than that.
  const kinds = new Map(original?.entries.map(({ name, kind }) => [name, kind === 'alias' ? '' : kind]));
  const types = candidates.map((text) => ({ text, type: kinds.get(text), start: place.cursor_start, end: place.cursor_end }));
  return { status: 'ok', matches: candidates, ...place, metadata: { _jupyter_types_experimental: types } };
}

// Jupyter counts characters, JavaScript the halves of those beyond 16 bits as well.
function toIndex(code, cursor) {
  return [...code].slice(0, cursor).join('').length;
}
function toCursor(code, index) {
  return [...code.slice(0, index)].length;
}

/** Where the function is named whose brackets are open at a position; the position itself where none are. */
function calleeBefore(code, position) {
  let closed = 0;
  for (let index = position - 1; index > 0; index--) {
    if (code[index] === ')') {
      closed++;
    } else if (code[index] === '(' && closed-- === 0) {
      return index - 1;
    }
  }
  return position;
}

const text = (parts) => (parts ?? []).map((part) => part.text).join('');

/** `function loadMnist(): Mnist`, without saying that it is imported. */
function signature({ displayParts }) {
  return text(displayParts)
    .replace(/^\(alias\) /, '')
    .replace(/\n(import|export) .*$/, '');
}

/** The tags that are for readers: TensorFlow.js has others, for its own site. */
function tagsOf({ tags }) {
  const shown = ['param', 'returns', 'return', 'throws', 'example', 'deprecated', 'see'];
  return (tags ?? [])
    .filter(({ name }) => shown.includes(name))
    .map((tag) => ({ name: tag.name, text: text(tag.text).trim() }));
}

function plainText(info) {
  const tags = tagsOf(info)
    .map((tag) => `@${tag.name} ${tag.text}`)
    .join('\n');
  return [signature(info), text(info.documentation), tags].filter(Boolean).join('\n\n');
}

function markdown(info) {
  const tags = tagsOf(info).map((tag) => {
    if (tag.name === 'param') {
      return tag.text.replace(/^(\S+) ?/, '- `$1` ');
    }
    if (tag.name === 'example' && !tag.text.includes('```')) {
      return codeBlock(tag.text);
    }
    return `*${tag.name}* ${tag.text}`;
  });
  return [codeBlock(signature(info)), text(info.documentation), ...tags].filter(Boolean).join('\n\n');
}

function codeBlock(code) {
  return `\`\`\`typescript\n${code}\n\`\`\``;
}

module.exports = { completion, inspection };
