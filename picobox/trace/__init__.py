"""What is recorded of calls, signals and deaths, and how it is written down."""
