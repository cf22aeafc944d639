"""What a user meets before a program runs: completions and the manual."""
