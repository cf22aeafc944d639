"""Releases with a documented bug on Windows: check finds it, and nothing in the release that mends it."""
