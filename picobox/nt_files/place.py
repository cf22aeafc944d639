"""Owns where guests find the tree."""

PLACE = b"/nt"
