"""One experiment or task a file, run by the command ``sightkit`` or as a file."""
