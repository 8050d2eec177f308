// Loaded before every script (node -r) and written in the oldest JavaScript, so that a Node too old for the scripts says so.
var oldest = parseInt(require('../package.json').engines.node.replace('>=', ''), 10);

if (parseInt(process.versions.node, 10) < oldest) {
  console.error(
    'Node ' +
      process.versions.node +
      ' is too old (expected ' +
      oldest +
      ' or newer): ' +
      'install a newer one, for example from https://nodejs.org.',
  );
  process.exit(1);
}
