# Renames a file that the program has just read a line of and still holds.
use strict;
use warnings;

open my $new, ">", "draft.txt" or die "draft.txt: $!";
print $new "title\nbody\n";
close $new;
open my $draft, "<", "draft.txt" or die "draft.txt: $!";
chomp(my $title = <$draft>);
rename "draft.txt", "$title.txt" or die "draft.txt: $!";
close $draft;
print -s "title.txt", "\n";
