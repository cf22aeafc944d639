# Makes the source of a distribution in a temporary directory, which its end cleans up.
use strict;
use warnings;
use File::Temp qw(tempdir);

my $directory = tempdir(CLEANUP => 1);
open our $ini, ">", "$directory/dist.ini" or die "dist.ini: $!";
print $ini "name = Sample\n";
close $ini;
print "made\n";
