"""Fake root: programs of an instance are whoever they say they are, and files are whose the metadata says they are."""
