# fork, pipes, sockets, signals, waitpid and sysopen in perl.
use strict;
use warnings;
use Fcntl;
use POSIX ":sys_wait_h";
use Socket;

$| = 1;
pipe(my $reader, my $writer) or die $!;
my @children;
for my $i (1 .. 5) {
    my $pid = fork // die $!;
    if ($pid == 0) { syswrite($writer, "child $i\n"); POSIX::_exit($i) }
    push @children, $pid;
}
close $writer;
print sort <$reader>;
waitpid($_, 0), print "status ", $? >> 8, "\n" for @children;

socketpair(my $one, my $two, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die $!;
if (my $pid = fork) {
    close $two;
    syswrite($one, "question");
    sysread($one, my $answer, 100);
    print "$answer\n";
    waitpid $pid, 0;
} else {
    sysread($two, my $question, 100);
    syswrite($two, uc $question);
    POSIX::_exit(0);
}

local $SIG{ALRM} = sub { die "alarm\n" };
eval { alarm 1; select(undef, undef, undef, 20); };
print "caught $@";
my @lines = `seq 3; exit 4`;
print scalar(@lines), " lines, status ", $? >> 8, "\n";
open(my $pipe, "|-", "sort -r") or die $!;
print $pipe "$_\n" for 1 .. 3;
close $pipe;
sysopen(my $file, "made", O_CREAT | O_EXCL | O_WRONLY, 0640) or die $!;
print "exists\n" unless sysopen(my $again, "made", O_CREAT | O_EXCL | O_WRONLY, 0640);
print "none left: ", waitpid(-1, WNOHANG), "\n";
