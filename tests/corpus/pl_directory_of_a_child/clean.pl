# Removes a build directory when the helper that it has started has ended.
use strict;
use warnings;

mkdir "build" or die "build: $!";
my $helper = open my $told, "-|", "sh", "-c", "cd build && echo ready && exec sleep 5" or die "sh: $!";
my $ready = <$told>;
kill "TERM", $helper;
close $told;
rmdir "build" or die "build: $!";
print -d "build" ? "there\n" : "gone\n";
