# Edits a file in place: reads it line by line, writes the new text beside it, and renames that over the open original.
use strict;
use warnings;

open my $first, ">", "page.txt" or die "page.txt: $!";
print $first "Line1\nLine2\n";
close $first;
open my $in, "<", "page.txt" or die "page.txt: $!";
open my $out, ">", "page.txt.new" or die "page.txt.new: $!";
while (my $line = <$in>) { $line =~ s/Line/Row/; print $out $line }
close $out;
rename "page.txt.new", "page.txt" or die "page.txt: $!";
close $in;
print -s "page.txt", "\n";
