"""The lecture's network written by hand in JAX: what is possible without a library for networks.

XLA compiles a whole epoch into one program, in which `lax.scan` goes from batch to batch. It does the same as `fit`:
shuffles, trains, and computes loss and accuracy of both training and validation.
"""

import time
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax, nn

# Keras's Adam
LEARNING_RATE, BETA1, BETA2, EPSILON = 0.001, 0.9, 0.999, 1e-7


class Network:
    def __init__(self, seed):
        self.key, *keys = jax.random.split(jax.random.key(seed), 3)
        glorot = nn.initializers.glorot_uniform()
        self.weights = (glorot(keys[0], (784, 1000)), jnp.zeros(1000), glorot(keys[1], (1000, 10)), jnp.zeros(10))

    def fit(self, train_x, train_y, test_x, test_y, epochs, batch_size):
        """Trains with validation. Returns the seconds of each epoch."""
        seconds = []
        train_x, train_y, test_x, test_y = (jnp.asarray(array) for array in (train_x, train_y, test_x, test_y))
        zeros = jax.tree.map(jnp.zeros_like, self.weights)
        state = (self.weights, zeros, jax.tree.map(jnp.copy, zeros), 0)
        for _ in range(epochs):
            start = time.perf_counter()
            self.key, key = jax.random.split(self.key)
            state, training = train_epoch(state, key, train_x, train_y, batch_size)
            self.weights = state[0]
            jax.block_until_ready((training, evaluate(self.weights, test_x, test_y, batch_size)))
            seconds.append(time.perf_counter() - start)
        return seconds

    def evaluate(self, x, y, batch_size):
        """Returns loss and accuracy."""
        return tuple(float(value) for value in evaluate(self.weights, x, y, batch_size))


def loss_and_accuracy(weights, x, y):
    """Means over x [batch, 784] and y [batch, 10]."""
    kernel1, bias1, kernel2, bias2 = weights
    logits = nn.relu(x @ kernel1 + bias1) @ kernel2 + bias2
    accuracy = (logits.argmax(axis=1) == y.argmax(axis=1)).mean()
    return -(y * nn.log_softmax(logits)).sum(axis=1).mean(), accuracy


@partial(jax.jit, static_argnames="batch_size", donate_argnames="state")
def train_epoch(state, key, x, y, batch_size):
    def step(state, indices):
        weights, first_moments, second_moments, count = state
        values, gradients = jax.value_and_grad(loss_and_accuracy, has_aux=True)(weights, x[indices], y[indices])
        count += 1
        rate = LEARNING_RATE * jnp.sqrt(1 - BETA2**count) / (1 - BETA1**count)
        first_moments = jax.tree.map(lambda m, g: m + (1 - BETA1) * (g - m), first_moments, gradients)
        second_moments = jax.tree.map(lambda v, g: v + (1 - BETA2) * (g * g - v), second_moments, gradients)
        weights = jax.tree.map(
            lambda w, m, v: w - rate * m / (jnp.sqrt(v) + EPSILON), weights, first_moments, second_moments
        )
        return (weights, first_moments, second_moments, count), values

    order = jax.random.permutation(key, len(x)).reshape(-1, batch_size)
    state, (losses, accuracies) = lax.scan(step, state, order)
    return state, (losses.mean(), accuracies.mean())


@partial(jax.jit, static_argnames="batch_size")
def evaluate(weights, x, y, batch_size):
    def batches(array):
        return array.reshape(-1, batch_size, array.shape[1])

    losses, accuracies = lax.map(lambda batch: loss_and_accuracy(weights, *batch), (batches(x), batches(y)))
    return losses.mean(), accuracies.mean()
