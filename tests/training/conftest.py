import pytest


@pytest.fixture
def tuned(monkeypatch):
    """Of each tf.data pipeline that is walked from here on, whether TensorFlow tunes it."""
    import tensorflow as tf

    found = []
    walk = tf.data.Dataset.__iter__

    def watched(dataset):
        found.append(dataset.options().autotune.enabled)
        return walk(dataset)

    monkeypatch.setattr(tf.data.Dataset, "__iter__", watched)
    return found
