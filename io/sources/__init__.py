"""Sources of labelled images: folders, archives, and the data sets that libraries hold."""
