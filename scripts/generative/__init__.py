"""Make pictures: deep dreams, styles, samples of a GAN, super-resolution, segmentation, captions."""
