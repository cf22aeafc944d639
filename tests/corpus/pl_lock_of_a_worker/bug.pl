# Takes a lock on a ledger and has a helper print the ledger meanwhile.
use strict;
use warnings;
use Fcntl qw(:flock);

open my $ledger, "+>", "ledger" or die "ledger: $!";
syswrite $ledger, "17\n";
flock $ledger, LOCK_EX or die "ledger: $!";
system("cat", "ledger") == 0 or die "cat";
close $ledger;
