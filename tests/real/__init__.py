"""Table R: real programs whose output, status and files under picobox must equal those of a native run."""
