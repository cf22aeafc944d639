# Keeps a log for each of a laboratory's instruments; the print server's is called prn.
use strict;
use warnings;

for my $instrument ("mic", "prn", "xrd") {
    open my $log, ">>", "$instrument" or die "$instrument: $!";
    print $log "started\n";
    close $log;
}
print "3 logs\n";
