"""The dataset file in HDF5: its reader, writer and generator."""
