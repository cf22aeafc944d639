"""Programs with one known Windows bug each, and their mended twins, for `picobox check`."""
