"""A source made into a dataset file: split, preprocessed, written, its recipe recorded."""
