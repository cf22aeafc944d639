# Directories that are listed, left and closed before they go.
use strict;
use warnings;
use Cwd;
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir tempfile);

my $origin = getcwd;
make_path("one/two");
opendir my $listing, "one" or die "one: $!";
my @names = grep { !/^\./ } readdir $listing;
closedir $listing;
chdir "one/two" or die "two: $!";
chdir $origin or die "$origin: $!";
rename "one", "three" or die "one: $!";
remove_tree("three");
my $temporary = tempdir(CLEANUP => 1);
my ($handle, $name) = tempfile(DIR => $temporary);
print $handle "x";
close $handle;
print "@names ", (-e "three" ? "there" : "gone"), "\n";
