"""Tests of the supervisor as a whole: what it keeps, what it survives, and that the pico contract carries it."""
