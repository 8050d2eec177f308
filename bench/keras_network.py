"""The lecture's network in Keras, on the engine that KERAS_BACKEND names."""

import time

import keras


class Network:
    def __init__(self, seed):
        keras.utils.set_random_seed(seed)
        self.model = keras.Sequential(
            [
                keras.Input((784,)),
                keras.layers.Dense(1000, activation="relu"),
                keras.layers.Dense(10, activation="softmax"),
            ]
        )
        self.model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])

    def fit(self, train_x, train_y, test_x, test_y, epochs, batch_size):
        """Trains with validation. Returns the seconds of each epoch."""
        timer = EpochTimer()
        self.model.fit(
            train_x,
            train_y,
            epochs=epochs,
            batch_size=batch_size,
            validation_data=(test_x, test_y),
            verbose=0,
            callbacks=[timer],
        )
        return timer.seconds

    def evaluate(self, x, y, batch_size):
        """Returns loss and accuracy."""
        return self.model.evaluate(x, y, batch_size=batch_size, verbose=0)


class EpochTimer(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.start)
