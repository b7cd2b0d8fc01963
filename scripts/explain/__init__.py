"""See what a network sees: each of these scripts draws a sheet that a person wants to look at."""
