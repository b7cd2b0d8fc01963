"""See how learning works: small programs in NumPy, each with a picture."""
