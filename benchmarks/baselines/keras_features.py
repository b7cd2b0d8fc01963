"""Photos to features in HDF5 with Keras and tf.data, as one would write it well: a whole program.

python benchmarks/baselines/keras_features.py PHOTOS FEATURES.h5
"""

import pathlib
import sys

import h5py
import keras
import tensorflow as tf

SIDE, BATCH = 224, 32


def photo(path):
    image = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
    height, width = tf.shape(image)[0], tf.shape(image)[1]
    side = tf.cast(0.875 * tf.cast(tf.minimum(height, width), tf.float32), tf.int32)
    top, left = (height - side) // 2, (width - side) // 2
    image = tf.image.crop_to_bounding_box(image, top, left, side, side)
    return tf.image.resize(image, (SIDE, SIDE), "area") / 127.5 - 1


paths = sorted(map(str, pathlib.Path(sys.argv[1]).glob("*/*")))
photos = tf.data.Dataset.from_tensor_slices(paths).map(photo, tf.data.AUTOTUNE)
network = keras.applications.MobileNetV2(
    (SIDE, SIDE, 3), alpha=0.35, include_top=False, pooling="avg"
)
features = network.predict(photos.batch(BATCH).prefetch(tf.data.AUTOTUNE), verbose=0)
with h5py.File(sys.argv[2], "w") as file:
    file["features"], file["paths"] = features, paths
