// Loaded before every script (node -r), in the oldest JavaScript: a Node that cannot even read the scripts says so here.
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
