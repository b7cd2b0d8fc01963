"""Make pictures: dreams, styles, samples, super-resolution, segmentation, captions."""
