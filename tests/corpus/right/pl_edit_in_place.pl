# Edits a file in place as perl -i does, with and without a copy of the original.
use strict;
use warnings;

for my $copy ("", ".orig") {
    open my $page, ">", "page.txt" or die "page.txt: $!";
    print $page "Line1\nLine2\n";
    close $page;
    local ($^I, @ARGV) = ($copy, "page.txt");
    while (<>) { s/Line/Row/; print }
}
print -s "page.txt", " ", -s "page.txt.orig", "\n";
