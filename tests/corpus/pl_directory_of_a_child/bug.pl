# Removes a build directory in which a helper that it has started still works.
use strict;
use warnings;

mkdir "build" or die "build: $!";
my $helper = open my $told, "-|", "sh", "-c", "cd build && echo ready && exec sleep 5" or die "sh: $!";
my $ready = <$told>;
rmdir "build" or die "build: $!";
kill "TERM", $helper;
close $told;
print -d "build" ? "there\n" : "gone\n";
