"""Batches as Keras reads them, without the wait that TensorFlow's tuning puts after each pass."""

from __future__ import annotations

from typing import Any

import keras


def adapt(data: Any) -> Any:
    """Adapt ``data`` for ``fit`` and ``evaluate``, quicker at the end of a pass.

    Keras lets TensorFlow tune its pipelines (tf.data) as they run. The thread that does so sleeps
    between its looks at the pipeline, twice as long each time and up to a minute, and what should
    wake it as the pass ends often comes a moment too early: it sets off before the thread can see
    that it is meant. Keras then waits until the thread wakes by itself, with both cores idle
    (TensorFlow 2.21: after a pass of ten seconds up to ten more). A pipeline that only hands
    batches over has nothing to tune, so here it is not.

    Args:
        data: a ``PyDataset`` that is read by one thread is adapted; anything else (several
            workers, which Keras does not tune either, tf.data, arrays) is returned as it is, and
            so is everything on JAX.

    Returns:
        Something for ``x`` or ``validation_data``: the same batches in the same order, with the
        same calls of ``on_epoch_begin`` and ``on_epoch_end``.
    """
    if keras.backend.backend() != "tensorflow" or not isinstance(data, keras.utils.PyDataset):
        return data
    try:  # Keras takes adapters of one's own, but has no public name for them
        from keras.src.trainers.data_adapters.py_dataset_adapter import PyDatasetAdapter
    except ImportError:
        return data
    if data.workers > 1 or data.use_multiprocessing:
        return data

    class Untuned(PyDatasetAdapter):
        def get_tf_dataset(self) -> Any:
            dataset = super().get_tf_dataset()
            options = type(dataset.options())()  # tf.data.Options
            options.autotune.enabled = False
            return dataset.with_options(options)

    return Untuned(data, shuffle=False)
