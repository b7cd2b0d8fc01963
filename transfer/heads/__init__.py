"""Classifiers on features: fitted by scikit-learn, stored as arrays, predict with NumPy alone."""
