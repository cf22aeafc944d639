"""Tests of the command line, each of which runs it as a user does."""
