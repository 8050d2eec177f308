// Adds two numbers by TensorFlow. `npm run doctor` runs it in a process of its own, because a broken addon may end it.
const tf = require('@tensorflow/tfjs-node');
const { tensorflowVersion } = require('mnist-lib');

const [sum] = tf.add(2, 3).dataSync();
console.log(`TensorFlow ${tensorflowVersion()} computes 2 + 3 = ${sum}`);
