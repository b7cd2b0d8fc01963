"""The flags of every training script by theme, each file with what turns them into objects.

No Keras at import: ``--help`` must answer at once.
"""
