# Installs the manual page of a module under the module's name.
use strict;
use warnings;

mkdir "man3" or die "man3: $!";
open my $page, ">", "man3/XML::Lite.3" or die "page: $!";
print $page ".TH XML::Lite 3\n";
close $page;
print "installed\n";
