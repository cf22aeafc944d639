# Pauses a helper and lets it go on.
use strict;
use warnings;

my $helper = open my $told, "-|", "sh", "-c", "echo ready; exec sleep 5" or die "sh: $!";
my $ready = <$told>;
kill "STOP", $helper;
kill "CONT", $helper;
kill "TERM", $helper;
close $told;
print "ended\n";
