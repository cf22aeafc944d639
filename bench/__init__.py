"""The benchmarks: what a call, a program and a supervisor cost natively, under picobox and under its peers."""
