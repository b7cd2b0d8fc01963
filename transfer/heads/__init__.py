"""Classifiers on features: fitted by scikit-learn, stored as arrays, predicting with NumPy alone."""
