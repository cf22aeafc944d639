# Takes a lock beside a ledger and has a helper print the ledger meanwhile.
use strict;
use warnings;
use Fcntl qw(:flock);

open my $ledger, "+>", "ledger" or die "ledger: $!";
syswrite $ledger, "17\n";
open my $lock, ">", "ledger.lock" or die "ledger.lock: $!";
flock $lock, LOCK_EX or die "ledger.lock: $!";
system("cat", "ledger") == 0 or die "cat";
close $ledger;
