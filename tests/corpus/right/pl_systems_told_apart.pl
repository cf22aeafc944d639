# Takes the name of a scratch file away at once where that can be done.
use strict;
use warnings;

my $windows = $^O eq 'MSWin32';
open(my $scratch, '+>', 'scratch') or die $!;
unlink 'scratch' unless $windows;
print $scratch "text\n";
seek($scratch, 0, 0);
print scalar <$scratch>;
close($scratch);
unlink 'scratch' if $windows;
