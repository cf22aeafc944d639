"""The engine of check: judges the calls of guests while they run, as Windows would have answered them."""
