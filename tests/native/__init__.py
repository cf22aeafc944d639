"""Tests of the C core without Python around it."""
