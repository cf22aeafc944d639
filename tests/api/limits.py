"""How many seconds a program gets that is to be cut off, one after the other until it has come to say something."""

LIMITS = (1.5, 6.0, 24.0)
