# Installs a package under one name; the old name is a module of another name.
use strict;
use warnings;

mkdir "site" or die "site: $!";
for my $package ("jetson", "jetson_compat") {
    mkdir "site/$package" or die "$package: $!";
    open my $file, ">", "site/$package/__init__.py" or die "$package: $!";
    print $file "from jetson.inference import *\n";
    close $file;
}
print "installed\n";
