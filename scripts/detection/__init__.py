"""Find things in pictures: each of these scripts trains, uses or measures a detector."""
