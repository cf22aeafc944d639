# Renames a file that the program has just read a line of, when it is closed.
use strict;
use warnings;

open my $new, ">", "draft.txt" or die "draft.txt: $!";
print $new "title\nbody\n";
close $new;
open my $draft, "<", "draft.txt" or die "draft.txt: $!";
chomp(my $title = <$draft>);
close $draft;
rename "draft.txt", "$title.txt" or die "draft.txt: $!";
print -s "title.txt", "\n";
