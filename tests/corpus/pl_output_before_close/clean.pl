# Regenerates a file and throws the closed draft away when nothing has changed.
use strict;
use warnings;

open my $draft, ">", "nodes.h.new" or die "nodes.h.new: $!";
print $draft "#define END 0\n";
close $draft;
unlink "nodes.h.new" or die "nodes.h.new: $!";
print "unchanged\n";
