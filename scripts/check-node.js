// Loaded before every script (node -r) and written in the oldest JavaScript, so that a Node too old for the scripts says so.
var tested = require('../package.json').engines.node.split(' || ');

if (tested.indexOf(process.versions.node.split('.')[0]) < 0) {
  console.error(
    'Node ' +
      process.versions.node +
      ' is not supported (expected ' +
      tested.join(', ').replace(/, (?=[^,]*$)/, ' or ') +
      '): install one of these versions, for example from https://nodejs.org.',
  );
  process.exit(1);
}
