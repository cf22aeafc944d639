# Installs a package under two names: the new one, and the old one for those who still import it.
use strict;
use warnings;

mkdir "site" or die "site: $!";
for my $package ("jetson", "Jetson") {
    mkdir "site/$package" or die "$package: $!";
    open my $file, ">", "site/$package/__init__.py" or die "$package: $!";
    print $file "from jetson.inference import *\n";
    close $file;
}
print "installed\n";
