# Sums, output to pipes and files, input from commands.
{ sum[FILENAME] += $1; if ($1 % 500 == 0) print $1 | "sort -rn" }
END {
    close("sort -rn")
    for (i = 1; i < ARGC; i++) print ARGV[i], sum[ARGV[i]] > "sums"
    close("sums")
    while (("sort sums" | getline line) > 0) print "read", line
    print "status", system("exit 3")
    printf "%s %.3f\n", toupper(substr("abcdef", 2, 3)), 22 / 7
}
