# Completes picobox's command line. python -m tests.interface makes this file from the parsers.
# Parse current commandline:
# - _shtab_picobox_cmdpath=(sub)command path seen so far
# - _shtab_picobox_npos=number of positional arguments given after it
# - options are skipped based on _shtab_picobox_opts_with_value & _shtab_picobox_commands lists
function _shtab_picobox_scan
  set -g _shtab_picobox_cmdpath ''
  set -g _shtab_picobox_npos 0
  set -l tokens (commandline -opc)
  set -e tokens[1]
  set -l expect_value 0
  for t in $tokens
    if test $expect_value -eq 1
      set expect_value 0
      continue
    end
    switch "$t"
      case '--*=*'
        continue
      case '-*'
        if contains -- $t $_shtab_picobox_opts_with_value
          set expect_value 1
        end
        continue
      case '*'
        if test $_shtab_picobox_npos -eq 0
          set -l candidate $t
          if test -n "$_shtab_picobox_cmdpath"
            set candidate "$_shtab_picobox_cmdpath $t"
          end
          if contains -- $candidate $_shtab_picobox_commands
            set -g _shtab_picobox_cmdpath $candidate
            continue
          end
        end
        set -g _shtab_picobox_npos (math $_shtab_picobox_npos + 1)
    end
  end
end

# Condition helper: true if the current (sub)command path equals the given one.
function _shtab_picobox_using
  _shtab_picobox_scan
  test "$_shtab_picobox_cmdpath" = "$argv"
end

set -g _shtab_picobox_commands run check trace explain syscalls doctor wslpath names report policy 'policy show' 'policy check' 'policy trust' learn diff commit discard instance 'instance import' 'instance export' 'instance clone' 'instance list' 'instance terminate' 'instance set-default' 'instance config' 'instance unregister' 'instance run' wsl completion ps handles objects locks top
set -g _shtab_picobox_opts_with_value --baseline --case --cd --color --config --count --device --directory --distribution --distribution-id --drive --env --events --export --fail-on --faithful --format --handle-limit --hide --idle --import --inject --interval --keep-env --layer --limit --network --nt --nt-files --output --overlay --pid --platform --policy --profile --read --run --set-default --set-default-version --set-version --setdefault --share --shell-type --shuffle-dirs --status --terminate --timeout --trace-path --uid --unregister --unset-env --user --virus-scanner --walls --windows-prefix --workdir --write --write-baseline -E -P -d -e -o -p -s -t -u -w

complete -c picobox -e
complete -c picobox -f

complete -c picobox -n _shtab_picobox_using -s h -l help -d 'show this help message and exit'
complete -c picobox -n _shtab_picobox_using -l version -d 'print the version and exit'
complete -c picobox -n _shtab_picobox_using -s q -l quiet -d 'say nothing but errors'
complete -c picobox -n _shtab_picobox_using -s v -l verbose -d 'end with a summary, in which waits for children and ends do not count'
complete -c picobox -n _shtab_picobox_using -l color -xka "auto always never" -d 'colour of what picobox prints itself'
complete -c picobox -n _shtab_picobox_using -l report -d 'end with what was refused, by which rule, how to allow it'
complete -c picobox -n _shtab_picobox_using -l unconfined -d 'without walls: it can do whatever you can'
complete -c picobox -n _shtab_picobox_using -l overlay -x -d 'keep what it writes in a layer, apart from your files; picobox diff, commit and discard are about layers'
complete -c picobox -n _shtab_picobox_using -l policy -xka "strict default open (__fish_complete_path (commandline -ct))" -d 'what the program may reach: strict, default, open, or as FILE says; `picobox policy show` tells all'
complete -c picobox -n _shtab_picobox_using -l read -xka "(__fish_complete_path (commandline -ct))" -d 'PATH and all below it may be read'
complete -c picobox -n _shtab_picobox_using -l write -xka "(__fish_complete_path (commandline -ct))" -d 'PATH and all below it may be changed'
complete -c picobox -n _shtab_picobox_using -l hide -xka "(__fish_complete_path (commandline -ct))" -d 'PATH is not there'
complete -c picobox -n _shtab_picobox_using -l layer -xka "(__fish_complete_path (commandline -ct))" -d 'PATH may be changed in a layer that is dropped at the end'
complete -c picobox -n _shtab_picobox_using -l network -xka "none loopback host" -d 'none, a loopback of its own, or what this machine reaches'
complete -c picobox -n _shtab_picobox_using -l limit -x -d 'memory=2G, processes=100, open-files, file-size, cpu-time=10m, wall-time; none for no limit'
complete -c picobox -n _shtab_picobox_using -l keep-env -x -d 'leave a variable, or those of a pattern'
complete -c picobox -n _shtab_picobox_using -l unset-env -x -d 'take a variable away, or those of a pattern'
complete -c picobox -n _shtab_picobox_using -l device -xka "(__fish_complete_path (commandline -ct))" -d 'a device such as /dev/kvm is there'
complete -c picobox -n _shtab_picobox_using -l walls -xka "auto no-namespaces" -d 'what keeps the program in: namespaces where this machine gives them, or Landlock and the supervisor'
complete -c picobox -n _shtab_picobox_using -l nt-files -d 'the program finds the namespace of NT objects as files in /nt, to be read'
complete -c picobox -n _shtab_picobox_using -l new-session -d 'without your terminal and its job control'
complete -c picobox -n _shtab_picobox_using -l profile -xka "linux nt wsl1 windows10 windows11" -d 'the rules the program meets'
complete -c picobox -n _shtab_picobox_using -l platform -xka "trace reference" -d 'how calls are intercepted'
complete -c picobox -n _shtab_picobox_using -l no-gate -d 'leave the code of programs as it is: no call is made without going through picobox. It changes nothing but speed'
complete -c picobox -n _shtab_picobox_using -l no-fast -d 'nor use the kernel'"'"'s notify channel: every call is a stop, as on a kernel before 6.6. It changes nothing but speed'
complete -c picobox -n _shtab_picobox_using -l drive -x -d 'DIR is that drive; C: is the working directory unless you say otherwise'
complete -c picobox -n _shtab_picobox_using -l share -x -d 'with profile windows10 or windows11: what opens share, letters of RWD or 0 for nothing, instead of what the program'"'"'s runtime asks for on Windows'
complete -c picobox -n _shtab_picobox_using -l windows-prefix -xka "(__fish_complete_path (commandline -ct))" -d 'with profile windows10 or windows11: where the working directory would be, for the length of paths; D:\\a\\NAME\\NAME unless you say otherwise, NAME being its name'
complete -c picobox -n _shtab_picobox_using -l case -xka "insensitive per-directory sensitive off dir force" -d 'where names are exact: nowhere; in directories with the flag, and off the drives; everywhere but in a drive'"'"'s root. off, dir and force are WSL'"'"'s words for the same'
complete -c picobox -n _shtab_picobox_using -l faithful -xka "all list locks truncate-mapped map-locked map-hint map-growsdown map-errno sigbus pagemap madvise mlock mlockall rlimit-fsize rlimit-as clone-flags wait-group robust-list personality clock-getres clock-nanosleep cpu-clock msg-errqueue iovec-count siocatmark raw-sockets fstatfs-pipe proc-sys pid-max proc-missing net-tun fs-flags unshare-user affinity rename-open-child rename-flags relink statfs-counts directory-links times-100ns readdir-dots cgroup2 statx aio memfd copy-file-range mincore mqueue msgqueue perf ldt numa file-handles keys fanotify vmsplice syncfs readahead remap-file-pages rr-interval sigqueueinfo preadv etxtbsy madvise-dontneed clone-vfork-vm ptrace-setregs ptrace-getregs commit seccomp" -d 'with profile wsl1: bring faults of WSL1 back; `all` for all, `list` to see them'
complete -c picobox -n _shtab_picobox_using -s w -l workdir -xka "(__fish_complete_directories)" -d 'run the program in DIR'
complete -c picobox -n _shtab_picobox_using -s E -l env -x -d 'set a variable for the program'
complete -c picobox -n _shtab_picobox_using -l timeout -x -d 'kill the program, status 124'
complete -c picobox -n _shtab_picobox_using -l wait-all -d 'wait for what the program leaves behind instead of killing it'
complete -c picobox -n '_shtab_picobox_using; and test $_shtab_picobox_npos -eq 0' -a run -d 'Run a Linux program as a pico process'
complete -c picobox -n '_shtab_picobox_using run' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using run' -l version -d 'print the version and exit'
complete -c picobox -n '_shtab_picobox_using run' -s q -l quiet -d 'say nothing but errors'
complete -c picobox -n '_shtab_picobox_using run' -s v -l verbose -d 'end with a summary, in which waits for children and ends do not count'
complete -c picobox -n '_shtab_picobox_using run' -l color -xka "auto always never" -d 'colour of what picobox prints itself'
complete -c picobox -n '_shtab_picobox_using run' -l report -d 'end with what was refused, by which rule, how to allow it'
complete -c picobox -n '_shtab_picobox_using run' -l unconfined -d 'without walls: it can do whatever you can'
complete -c picobox -n '_shtab_picobox_using run' -l overlay -x -d 'keep what it writes in a layer, apart from your files; picobox diff, commit and discard are about layers'
complete -c picobox -n '_shtab_picobox_using run' -l policy -xka "strict default open (__fish_complete_path (commandline -ct))" -d 'what the program may reach: strict, default, open, or as FILE says; `picobox policy show` tells all'
complete -c picobox -n '_shtab_picobox_using run' -l read -xka "(__fish_complete_path (commandline -ct))" -d 'PATH and all below it may be read'
complete -c picobox -n '_shtab_picobox_using run' -l write -xka "(__fish_complete_path (commandline -ct))" -d 'PATH and all below it may be changed'
complete -c picobox -n '_shtab_picobox_using run' -l hide -xka "(__fish_complete_path (commandline -ct))" -d 'PATH is not there'
complete -c picobox -n '_shtab_picobox_using run' -l layer -xka "(__fish_complete_path (commandline -ct))" -d 'PATH may be changed in a layer that is dropped at the end'
complete -c picobox -n '_shtab_picobox_using run' -l network -xka "none loopback host" -d 'none, a loopback of its own, or what this machine reaches'
complete -c picobox -n '_shtab_picobox_using run' -l limit -x -d 'memory=2G, processes=100, open-files, file-size, cpu-time=10m, wall-time; none for no limit'
complete -c picobox -n '_shtab_picobox_using run' -l keep-env -x -d 'leave a variable, or those of a pattern'
complete -c picobox -n '_shtab_picobox_using run' -l unset-env -x -d 'take a variable away, or those of a pattern'
complete -c picobox -n '_shtab_picobox_using run' -l device -xka "(__fish_complete_path (commandline -ct))" -d 'a device such as /dev/kvm is there'
complete -c picobox -n '_shtab_picobox_using run' -l walls -xka "auto no-namespaces" -d 'what keeps the program in: namespaces where this machine gives them, or Landlock and the supervisor'
complete -c picobox -n '_shtab_picobox_using run' -l nt-files -d 'the program finds the namespace of NT objects as files in /nt, to be read'
complete -c picobox -n '_shtab_picobox_using run' -l new-session -d 'without your terminal and its job control'
complete -c picobox -n '_shtab_picobox_using run' -l profile -xka "linux nt wsl1 windows10 windows11" -d 'the rules the program meets'
complete -c picobox -n '_shtab_picobox_using run' -l platform -xka "trace reference" -d 'how calls are intercepted'
complete -c picobox -n '_shtab_picobox_using run' -l no-gate -d 'leave the code of programs as it is: no call is made without going through picobox. It changes nothing but speed'
complete -c picobox -n '_shtab_picobox_using run' -l no-fast -d 'nor use the kernel'"'"'s notify channel: every call is a stop, as on a kernel before 6.6. It changes nothing but speed'
complete -c picobox -n '_shtab_picobox_using run' -l drive -x -d 'DIR is that drive; C: is the working directory unless you say otherwise'
complete -c picobox -n '_shtab_picobox_using run' -l share -x -d 'with profile windows10 or windows11: what opens share, letters of RWD or 0 for nothing, instead of what the program'"'"'s runtime asks for on Windows'
complete -c picobox -n '_shtab_picobox_using run' -l windows-prefix -xka "(__fish_complete_path (commandline -ct))" -d 'with profile windows10 or windows11: where the working directory would be, for the length of paths; D:\\a\\NAME\\NAME unless you say otherwise, NAME being its name'
complete -c picobox -n '_shtab_picobox_using run' -l case -xka "insensitive per-directory sensitive off dir force" -d 'where names are exact: nowhere; in directories with the flag, and off the drives; everywhere but in a drive'"'"'s root. off, dir and force are WSL'"'"'s words for the same'
complete -c picobox -n '_shtab_picobox_using run' -l faithful -xka "all list locks truncate-mapped map-locked map-hint map-growsdown map-errno sigbus pagemap madvise mlock mlockall rlimit-fsize rlimit-as clone-flags wait-group robust-list personality clock-getres clock-nanosleep cpu-clock msg-errqueue iovec-count siocatmark raw-sockets fstatfs-pipe proc-sys pid-max proc-missing net-tun fs-flags unshare-user affinity rename-open-child rename-flags relink statfs-counts directory-links times-100ns readdir-dots cgroup2 statx aio memfd copy-file-range mincore mqueue msgqueue perf ldt numa file-handles keys fanotify vmsplice syncfs readahead remap-file-pages rr-interval sigqueueinfo preadv etxtbsy madvise-dontneed clone-vfork-vm ptrace-setregs ptrace-getregs commit seccomp" -d 'with profile wsl1: bring faults of WSL1 back; `all` for all, `list` to see them'
complete -c picobox -n '_shtab_picobox_using run' -s w -l workdir -xka "(__fish_complete_directories)" -d 'run the program in DIR'
complete -c picobox -n '_shtab_picobox_using run' -s E -l env -x -d 'set a variable for the program'
complete -c picobox -n '_shtab_picobox_using run' -l timeout -x -d 'kill the program, status 124'
complete -c picobox -n '_shtab_picobox_using run' -l wait-all -d 'wait for what the program leaves behind instead of killing it'
complete -c picobox -n '_shtab_picobox_using; and test $_shtab_picobox_npos -eq 0' -a check -d 'Run a program, usually a test suite, under the file rules of Windows and tell what would break there'
complete -c picobox -n '_shtab_picobox_using check' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using check' -l enforce -d 'give the program the answers of Windows'
complete -c picobox -n '_shtab_picobox_using check' -l inject -x -d 'let calls fail: a name or %class, an errno or NTSTATUS name, and after :when= which of a task'"'"'s calls, as with strace: N, N+, N+STEP, N..M'
complete -c picobox -n '_shtab_picobox_using check' -l handle-limit -x -d 'let opens of a process that has N descriptors fail'
complete -c picobox -n '_shtab_picobox_using check' -l shuffle-dirs -x -d 'list directories on drives in another order; SEED, a number, chooses which'
complete -c picobox -n '_shtab_picobox_using check' -l virus-scanner -x -d 'let a virus scanner open each file that was written, share nothing, and close it after MS milliseconds, 50 unless you say otherwise'
complete -c picobox -n '_shtab_picobox_using check' -l fail-on -xka "note warning error never" -d 'the least severity that makes the exit status 1, or never; warning unless you say otherwise'
complete -c picobox -n '_shtab_picobox_using check' -l format -xka "text json sarif junit github html" -d 'the form of the report; text is the default'
complete -c picobox -n '_shtab_picobox_using check' -s o -l output -xka "(__fish_complete_path (commandline -ct))" -d 'write the report to FILE, which is replaced as a whole; %p in its name becomes the process id'
complete -c picobox -n '_shtab_picobox_using check' -l baseline -xka "(__fish_complete_path (commandline -ct))" -d 'what FILE names is known, and does not count'
complete -c picobox -n '_shtab_picobox_using check' -l write-baseline -xka "(__fish_complete_path (commandline -ct))" -d 'name all that is found in FILE; it does not count any more'
complete -c picobox -n '_shtab_picobox_using check' -l config -xka "(__fish_complete_path (commandline -ct))" -d 'read the settings of FILE, not of the nearest picobox.toml or pyproject.toml'
complete -c picobox -n '_shtab_picobox_using check' -l no-config -d 'read no settings of any file'
complete -c picobox -n '_shtab_picobox_using check' -s q -l quiet -d 'say nothing but errors'
complete -c picobox -n '_shtab_picobox_using check' -s v -l verbose -d 'end with a summary, in which waits for children and ends do not count'
complete -c picobox -n '_shtab_picobox_using check' -l color -xka "auto always never" -d 'colour of what picobox prints itself'
complete -c picobox -n '_shtab_picobox_using check' -l profile -xka "windows10 windows11" -d 'the version of Windows; windows11 is the default'
complete -c picobox -n '_shtab_picobox_using check' -l platform -xka "trace reference" -d 'how calls are intercepted'
complete -c picobox -n '_shtab_picobox_using check' -l no-gate -d 'leave the code of programs as it is: no call is made without going through picobox. It changes nothing but speed'
complete -c picobox -n '_shtab_picobox_using check' -l no-fast -d 'nor use the kernel'"'"'s notify channel: every call is a stop, as on a kernel before 6.6. It changes nothing but speed'
complete -c picobox -n '_shtab_picobox_using check' -l drive -x -d 'DIR is that drive; C: is the working directory unless you say otherwise'
complete -c picobox -n '_shtab_picobox_using check' -l share -x -d 'with profile windows10 or windows11: what opens share, letters of RWD or 0 for nothing, instead of what the program'"'"'s runtime asks for on Windows'
complete -c picobox -n '_shtab_picobox_using check' -l windows-prefix -xka "(__fish_complete_path (commandline -ct))" -d 'with profile windows10 or windows11: where the working directory would be, for the length of paths; D:\\a\\NAME\\NAME unless you say otherwise, NAME being its name'
complete -c picobox -n '_shtab_picobox_using check' -l case -xka "insensitive per-directory sensitive off dir force" -d 'where names are exact: nowhere; in directories with the flag, and off the drives; everywhere but in a drive'"'"'s root. off, dir and force are WSL'"'"'s words for the same'
complete -c picobox -n '_shtab_picobox_using check' -l faithful -xka "all list locks truncate-mapped map-locked map-hint map-growsdown map-errno sigbus pagemap madvise mlock mlockall rlimit-fsize rlimit-as clone-flags wait-group robust-list personality clock-getres clock-nanosleep cpu-clock msg-errqueue iovec-count siocatmark raw-sockets fstatfs-pipe proc-sys pid-max proc-missing net-tun fs-flags unshare-user affinity rename-open-child rename-flags relink statfs-counts directory-links times-100ns readdir-dots cgroup2 statx aio memfd copy-file-range mincore mqueue msgqueue perf ldt numa file-handles keys fanotify vmsplice syncfs readahead remap-file-pages rr-interval sigqueueinfo preadv etxtbsy madvise-dontneed clone-vfork-vm ptrace-setregs ptrace-getregs commit seccomp" -d 'with profile wsl1: bring faults of WSL1 back; `all` for all, `list` to see them'
complete -c picobox -n '_shtab_picobox_using check' -s w -l workdir -xka "(__fish_complete_directories)" -d 'run the program in DIR'
complete -c picobox -n '_shtab_picobox_using check' -s E -l env -x -d 'set a variable for the program'
complete -c picobox -n '_shtab_picobox_using check' -l timeout -x -d 'kill the program, status 124'
complete -c picobox -n '_shtab_picobox_using check' -l wait-all -d 'wait for what the program leaves behind instead of killing it'
complete -c picobox -n '_shtab_picobox_using; and test $_shtab_picobox_npos -eq 0' -a trace -d 'Run a Linux program and write down every system call it makes, with the NT service and the NTSTATUS behind it'
complete -c picobox -n '_shtab_picobox_using trace' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using trace' -s o -l output -xka "(__fish_complete_path (commandline -ct))" -d 'write the trace to FILE'
complete -c picobox -n '_shtab_picobox_using trace' -s c -l summary-only -d 'write no calls but a table of them: how many, errors, seconds in the kernel and in picobox'
complete -c picobox -n '_shtab_picobox_using trace' -l format -xka "text jsonl chrome" -d 'text as strace writes it, one JSON object a line, or what ui.perfetto.dev and chrome://tracing open'
complete -c picobox -n '_shtab_picobox_using trace' -s e -l events -x -d 'record only these: names, %classes, /regexes, a leading ! for all but these, a ? before what may not exist'
complete -c picobox -n '_shtab_picobox_using trace' -s P -l trace-path -xka "(__fish_complete_path (commandline -ct))" -d 'record only calls that name PATH or a descriptor of it; may be repeated'
complete -c picobox -n '_shtab_picobox_using trace' -s z -l successful-only -d 'record only calls that return without an error'
complete -c picobox -n '_shtab_picobox_using trace' -s Z -l failed-only -d 'record only calls that return with an error'
complete -c picobox -n '_shtab_picobox_using trace' -l nt -x -d 'record only calls that correspond to this NT service; * stands for any characters; may be repeated'
complete -c picobox -n '_shtab_picobox_using trace' -l status -x -d 'record only calls with this NTSTATUS, a name, with * as above, or a number; may be repeated'
complete -c picobox -n '_shtab_picobox_using trace' -s q -l quiet -d 'say nothing but errors'
complete -c picobox -n '_shtab_picobox_using trace' -s v -l verbose -d 'end with a summary, in which waits for children and ends do not count'
complete -c picobox -n '_shtab_picobox_using trace' -l color -xka "auto always never" -d 'colour of what picobox prints itself'
complete -c picobox -n '_shtab_picobox_using trace' -l policy -xka "strict default open (__fish_complete_path (commandline -ct))" -d 'what the program may reach: strict, default, open, or as FILE says; `picobox policy show` tells all'
complete -c picobox -n '_shtab_picobox_using trace' -l read -xka "(__fish_complete_path (commandline -ct))" -d 'PATH and all below it may be read'
complete -c picobox -n '_shtab_picobox_using trace' -l write -xka "(__fish_complete_path (commandline -ct))" -d 'PATH and all below it may be changed'
complete -c picobox -n '_shtab_picobox_using trace' -l hide -xka "(__fish_complete_path (commandline -ct))" -d 'PATH is not there'
complete -c picobox -n '_shtab_picobox_using trace' -l layer -xka "(__fish_complete_path (commandline -ct))" -d 'PATH may be changed in a layer that is dropped at the end'
complete -c picobox -n '_shtab_picobox_using trace' -l network -xka "none loopback host" -d 'none, a loopback of its own, or what this machine reaches'
complete -c picobox -n '_shtab_picobox_using trace' -l limit -x -d 'memory=2G, processes=100, open-files, file-size, cpu-time=10m, wall-time; none for no limit'
complete -c picobox -n '_shtab_picobox_using trace' -l keep-env -x -d 'leave a variable, or those of a pattern'
complete -c picobox -n '_shtab_picobox_using trace' -l unset-env -x -d 'take a variable away, or those of a pattern'
complete -c picobox -n '_shtab_picobox_using trace' -l device -xka "(__fish_complete_path (commandline -ct))" -d 'a device such as /dev/kvm is there'
complete -c picobox -n '_shtab_picobox_using trace' -l walls -xka "auto no-namespaces" -d 'what keeps the program in: namespaces where this machine gives them, or Landlock and the supervisor'
complete -c picobox -n '_shtab_picobox_using trace' -l nt-files -d 'the program finds the namespace of NT objects as files in /nt, to be read'
complete -c picobox -n '_shtab_picobox_using trace' -l new-session -d 'without your terminal and its job control'
complete -c picobox -n '_shtab_picobox_using trace' -l profile -xka "linux nt wsl1 windows10 windows11" -d 'the rules the program meets'
complete -c picobox -n '_shtab_picobox_using trace' -l platform -xka "trace reference" -d 'how calls are intercepted'
complete -c picobox -n '_shtab_picobox_using trace' -l no-gate -d 'leave the code of programs as it is: no call is made without going through picobox. It changes nothing but speed'
complete -c picobox -n '_shtab_picobox_using trace' -l no-fast -d 'nor use the kernel'"'"'s notify channel: every call is a stop, as on a kernel before 6.6. It changes nothing but speed'
complete -c picobox -n '_shtab_picobox_using trace' -l drive -x -d 'DIR is that drive; C: is the working directory unless you say otherwise'
complete -c picobox -n '_shtab_picobox_using trace' -l share -x -d 'with profile windows10 or windows11: what opens share, letters of RWD or 0 for nothing, instead of what the program'"'"'s runtime asks for on Windows'
complete -c picobox -n '_shtab_picobox_using trace' -l windows-prefix -xka "(__fish_complete_path (commandline -ct))" -d 'with profile windows10 or windows11: where the working directory would be, for the length of paths; D:\\a\\NAME\\NAME unless you say otherwise, NAME being its name'
complete -c picobox -n '_shtab_picobox_using trace' -l case -xka "insensitive per-directory sensitive off dir force" -d 'where names are exact: nowhere; in directories with the flag, and off the drives; everywhere but in a drive'"'"'s root. off, dir and force are WSL'"'"'s words for the same'
complete -c picobox -n '_shtab_picobox_using trace' -l faithful -xka "all list locks truncate-mapped map-locked map-hint map-growsdown map-errno sigbus pagemap madvise mlock mlockall rlimit-fsize rlimit-as clone-flags wait-group robust-list personality clock-getres clock-nanosleep cpu-clock msg-errqueue iovec-count siocatmark raw-sockets fstatfs-pipe proc-sys pid-max proc-missing net-tun fs-flags unshare-user affinity rename-open-child rename-flags relink statfs-counts directory-links times-100ns readdir-dots cgroup2 statx aio memfd copy-file-range mincore mqueue msgqueue perf ldt numa file-handles keys fanotify vmsplice syncfs readahead remap-file-pages rr-interval sigqueueinfo preadv etxtbsy madvise-dontneed clone-vfork-vm ptrace-setregs ptrace-getregs commit seccomp" -d 'with profile wsl1: bring faults of WSL1 back; `all` for all, `list` to see them'
complete -c picobox -n '_shtab_picobox_using trace' -s w -l workdir -xka "(__fish_complete_directories)" -d 'run the program in DIR'
complete -c picobox -n '_shtab_picobox_using trace' -s E -l env -x -d 'set a variable for the program'
complete -c picobox -n '_shtab_picobox_using trace' -l timeout -x -d 'kill the program, status 124'
complete -c picobox -n '_shtab_picobox_using trace' -l wait-all -d 'wait for what the program leaves behind instead of killing it'
complete -c picobox -n '_shtab_picobox_using; and test $_shtab_picobox_npos -eq 0' -a explain -d 'Tell of one system call what picobox knows'
complete -c picobox -n '_shtab_picobox_using explain' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using explain' -l json -d 'write one JSON object'
complete -c picobox -n '_shtab_picobox_using explain' -l color -xka "auto always never" -d 'colour of what picobox prints itself'
complete -c picobox -n '_shtab_picobox_using; and test $_shtab_picobox_npos -eq 0' -a syscalls -d 'List the system calls of Linux x86-64 and how each is served'
complete -c picobox -n '_shtab_picobox_using syscalls' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using syscalls' -l format -xka "table json md" -d 'how to write the list'
complete -c picobox -n '_shtab_picobox_using syscalls' -l color -xka "auto always never" -d 'colour of what picobox prints itself'
complete -c picobox -n '_shtab_picobox_using; and test $_shtab_picobox_npos -eq 0' -a doctor -d 'Ask this machine what picobox needs of it'
complete -c picobox -n '_shtab_picobox_using doctor' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using doctor' -l json -d 'write one JSON object'
complete -c picobox -n '_shtab_picobox_using doctor' -l color -xka "auto always never" -d 'colour of what picobox prints itself'
complete -c picobox -n '_shtab_picobox_using; and test $_shtab_picobox_npos -eq 0' -a wslpath -d 'Translate a path between Windows and Linux, as WSL'"'"'s own wslpath does'
complete -c picobox -n '_shtab_picobox_using wslpath' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using wslpath' -s a -d 'make it absolute'
complete -c picobox -n '_shtab_picobox_using wslpath' -s u -d 'from Windows to Linux, as without an option'
complete -c picobox -n '_shtab_picobox_using wslpath' -s w -d 'from Linux to Windows'
complete -c picobox -n '_shtab_picobox_using wslpath' -s m -d 'from Linux to Windows, with / instead of \\'
complete -c picobox -n '_shtab_picobox_using wslpath' -l drive -x -d 'that drive is at the absolute path DIR'
complete -c picobox -n '_shtab_picobox_using wslpath; and test $_shtab_picobox_npos -eq 0' -ka "(__fish_complete_path (commandline -ct))" -d 'the path'
complete -c picobox -n '_shtab_picobox_using; and test $_shtab_picobox_npos -eq 0' -a names -d 'Judge names by the rules of Windows, PB001 to PB008'
complete -c picobox -n '_shtab_picobox_using names' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using names' -l profile -xka "windows10 windows11" -d 'the version of Windows; windows11 is the default'
complete -c picobox -n '_shtab_picobox_using names' -l windows-prefix -xka "(__fish_complete_path (commandline -ct))" -d 'where the root of the names would be, for the length of paths; D:\\a\\NAME\\NAME unless you say otherwise, NAME being its name'
complete -c picobox -n '_shtab_picobox_using names' -l git -d 'judge the index of the git repository here, or at PATH'
complete -c picobox -n '_shtab_picobox_using names' -s 0 -l null -d 'names on standard input end in NUL, not in a newline'
complete -c picobox -n '_shtab_picobox_using names' -l fail-on -xka "note warning error never" -d 'the least severity that makes the exit status 1, or never; warning unless you say otherwise'
complete -c picobox -n '_shtab_picobox_using names' -l format -xka "text json sarif junit github html" -d 'the form of the report; text is the default'
complete -c picobox -n '_shtab_picobox_using names' -s o -l output -xka "(__fish_complete_path (commandline -ct))" -d 'write the report to FILE, which is replaced as a whole; %p in its name becomes the process id'
complete -c picobox -n '_shtab_picobox_using names' -l baseline -xka "(__fish_complete_path (commandline -ct))" -d 'what FILE names is known, and does not count'
complete -c picobox -n '_shtab_picobox_using names' -l write-baseline -xka "(__fish_complete_path (commandline -ct))" -d 'name all that is found in FILE; it does not count any more'
complete -c picobox -n '_shtab_picobox_using names' -l config -xka "(__fish_complete_path (commandline -ct))" -d 'read the settings of FILE, not of the nearest picobox.toml or pyproject.toml'
complete -c picobox -n '_shtab_picobox_using names' -l no-config -d 'read no settings of any file'
complete -c picobox -n '_shtab_picobox_using names' -s q -l quiet -d 'say nothing but errors'
complete -c picobox -n '_shtab_picobox_using names' -s v -l verbose -d 'end with a summary, in which waits for children and ends do not count'
complete -c picobox -n '_shtab_picobox_using names' -l color -xka "auto always never" -d 'colour of what picobox prints itself'
complete -c picobox -n '_shtab_picobox_using names; and test $_shtab_picobox_npos -ge 0' -ka "(__fish_complete_path (commandline -ct))" -d 'a directory, an archive, or a file whose name is judged; - for names on standard input'
complete -c picobox -n '_shtab_picobox_using; and test $_shtab_picobox_npos -eq 0' -a report -d 'Tell as one what several checks have found, each of which wrote a report by --format json'
complete -c picobox -n '_shtab_picobox_using report' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using report' -l fail-on -xka "note warning error never" -d 'the least severity that makes the exit status 1, or never; warning unless you say otherwise'
complete -c picobox -n '_shtab_picobox_using report' -l format -xka "text json sarif junit github html" -d 'the form of the report; text is the default'
complete -c picobox -n '_shtab_picobox_using report' -s o -l output -xka "(__fish_complete_path (commandline -ct))" -d 'write the report to FILE, which is replaced as a whole; %p in its name becomes the process id'
complete -c picobox -n '_shtab_picobox_using report' -l baseline -xka "(__fish_complete_path (commandline -ct))" -d 'what FILE names is known, and does not count'
complete -c picobox -n '_shtab_picobox_using report' -l write-baseline -xka "(__fish_complete_path (commandline -ct))" -d 'name all that is found in FILE; it does not count any more'
complete -c picobox -n '_shtab_picobox_using report' -l config -xka "(__fish_complete_path (commandline -ct))" -d 'read the settings of FILE, not of the nearest picobox.toml or pyproject.toml'
complete -c picobox -n '_shtab_picobox_using report' -l no-config -d 'read no settings of any file'
complete -c picobox -n '_shtab_picobox_using report' -s q -l quiet -d 'say nothing but errors'
complete -c picobox -n '_shtab_picobox_using report' -s v -l verbose -d 'end with a summary, in which waits for children and ends do not count'
complete -c picobox -n '_shtab_picobox_using report' -l color -xka "auto always never" -d 'colour of what picobox prints itself'
complete -c picobox -n '_shtab_picobox_using report; and test $_shtab_picobox_npos -ge 0' -ka "(__fish_complete_path (commandline -ct))" -d 'a report, or a directory of them with names in .json'
complete -c picobox -n '_shtab_picobox_using; and test $_shtab_picobox_npos -eq 0' -a policy -d 'Tell what a program may reach under a policy, in this directory and for this user'
complete -c picobox -n '_shtab_picobox_using policy' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using policy; and test $_shtab_picobox_npos -eq 0' -a show -d 'picobox policy show'
complete -c picobox -n '_shtab_picobox_using policy show' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using policy show' -l format -xka "text toml json" -d 'how show writes it'
complete -c picobox -n '_shtab_picobox_using policy show' -s a -l all -d 'also rules for files that are not there'
complete -c picobox -n '_shtab_picobox_using policy show' -l color -xka "auto always never" -d 'colour of what picobox prints itself'
complete -c picobox -n '_shtab_picobox_using policy show; and test $_shtab_picobox_npos -eq 0' -ka "strict default open (__fish_complete_path (commandline -ct))" -d 'NAME|FILE'
complete -c picobox -n '_shtab_picobox_using policy; and test $_shtab_picobox_npos -eq 0' -a check -d 'picobox policy check'
complete -c picobox -n '_shtab_picobox_using policy check' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using policy check' -l format -xka "text toml json" -d 'how show writes it'
complete -c picobox -n '_shtab_picobox_using policy check' -s a -l all -d 'also rules for files that are not there'
complete -c picobox -n '_shtab_picobox_using policy check' -l color -xka "auto always never" -d 'colour of what picobox prints itself'
complete -c picobox -n '_shtab_picobox_using policy check; and test $_shtab_picobox_npos -eq 0' -ka "strict default open (__fish_complete_path (commandline -ct))" -d 'NAME|FILE'
complete -c picobox -n '_shtab_picobox_using policy; and test $_shtab_picobox_npos -eq 0' -a trust -d 'picobox policy trust'
complete -c picobox -n '_shtab_picobox_using policy trust' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using policy trust' -l format -xka "text toml json" -d 'how show writes it'
complete -c picobox -n '_shtab_picobox_using policy trust' -s a -l all -d 'also rules for files that are not there'
complete -c picobox -n '_shtab_picobox_using policy trust' -l color -xka "auto always never" -d 'colour of what picobox prints itself'
complete -c picobox -n '_shtab_picobox_using policy trust; and test $_shtab_picobox_npos -eq 0' -ka "strict default open (__fish_complete_path (commandline -ct))" -d 'NAME|FILE'
complete -c picobox -n '_shtab_picobox_using; and test $_shtab_picobox_npos -eq 0' -a learn -d 'Write the smallest policy under which a command still runs'
complete -c picobox -n '_shtab_picobox_using learn' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using learn' -s o -l output -xka "(__fish_complete_path (commandline -ct))" -d 'write the policy to FILE; paths in it are relative to that'
complete -c picobox -n '_shtab_picobox_using learn' -l same-output -d 'the command has to write the same to standard output, too'
complete -c picobox -n '_shtab_picobox_using learn' -s q -l quiet -d 'say nothing but errors'
complete -c picobox -n '_shtab_picobox_using learn' -s v -l verbose -d 'end with a summary, in which waits for children and ends do not count'
complete -c picobox -n '_shtab_picobox_using learn' -l color -xka "auto always never" -d 'colour of what picobox prints itself'
complete -c picobox -n '_shtab_picobox_using learn' -l profile -xka "linux nt wsl1 windows10 windows11" -d 'the rules the program meets'
complete -c picobox -n '_shtab_picobox_using learn' -l platform -xka "trace reference" -d 'how calls are intercepted'
complete -c picobox -n '_shtab_picobox_using learn' -l no-gate -d 'leave the code of programs as it is: no call is made without going through picobox. It changes nothing but speed'
complete -c picobox -n '_shtab_picobox_using learn' -l no-fast -d 'nor use the kernel'"'"'s notify channel: every call is a stop, as on a kernel before 6.6. It changes nothing but speed'
complete -c picobox -n '_shtab_picobox_using learn' -l drive -x -d 'DIR is that drive; C: is the working directory unless you say otherwise'
complete -c picobox -n '_shtab_picobox_using learn' -l share -x -d 'with profile windows10 or windows11: what opens share, letters of RWD or 0 for nothing, instead of what the program'"'"'s runtime asks for on Windows'
complete -c picobox -n '_shtab_picobox_using learn' -l windows-prefix -xka "(__fish_complete_path (commandline -ct))" -d 'with profile windows10 or windows11: where the working directory would be, for the length of paths; D:\\a\\NAME\\NAME unless you say otherwise, NAME being its name'
complete -c picobox -n '_shtab_picobox_using learn' -l case -xka "insensitive per-directory sensitive off dir force" -d 'where names are exact: nowhere; in directories with the flag, and off the drives; everywhere but in a drive'"'"'s root. off, dir and force are WSL'"'"'s words for the same'
complete -c picobox -n '_shtab_picobox_using learn' -l faithful -xka "all list locks truncate-mapped map-locked map-hint map-growsdown map-errno sigbus pagemap madvise mlock mlockall rlimit-fsize rlimit-as clone-flags wait-group robust-list personality clock-getres clock-nanosleep cpu-clock msg-errqueue iovec-count siocatmark raw-sockets fstatfs-pipe proc-sys pid-max proc-missing net-tun fs-flags unshare-user affinity rename-open-child rename-flags relink statfs-counts directory-links times-100ns readdir-dots cgroup2 statx aio memfd copy-file-range mincore mqueue msgqueue perf ldt numa file-handles keys fanotify vmsplice syncfs readahead remap-file-pages rr-interval sigqueueinfo preadv etxtbsy madvise-dontneed clone-vfork-vm ptrace-setregs ptrace-getregs commit seccomp" -d 'with profile wsl1: bring faults of WSL1 back; `all` for all, `list` to see them'
complete -c picobox -n '_shtab_picobox_using learn' -s w -l workdir -xka "(__fish_complete_directories)" -d 'run the program in DIR'
complete -c picobox -n '_shtab_picobox_using learn' -s E -l env -x -d 'set a variable for the program'
complete -c picobox -n '_shtab_picobox_using learn' -l timeout -x -d 'kill the program, status 124'
complete -c picobox -n '_shtab_picobox_using learn' -l wait-all -d 'wait for what the program leaves behind instead of killing it'
complete -c picobox -n '_shtab_picobox_using; and test $_shtab_picobox_npos -eq 0' -a diff -d 'Tell what runs with --overlay have changed'
complete -c picobox -n '_shtab_picobox_using diff' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using diff' -l patch -d 'write a patch in git'"'"'s format'
complete -c picobox -n '_shtab_picobox_using diff' -l format -xka "text json" -d 'json: one object, for programs'
complete -c picobox -n '_shtab_picobox_using; and test $_shtab_picobox_npos -eq 0' -a commit -d 'Make what runs with --overlay have changed the host'"'"'s own, and empty the layer'
complete -c picobox -n '_shtab_picobox_using commit' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using commit' -l force -d 'take the layer'"'"'s where the host has changed the same'
complete -c picobox -n '_shtab_picobox_using commit' -s q -l quiet -d 'say nothing but errors'
complete -c picobox -n '_shtab_picobox_using commit' -s v -l verbose -d 'end with a summary, in which waits for children and ends do not count'
complete -c picobox -n '_shtab_picobox_using; and test $_shtab_picobox_npos -eq 0' -a discard -d 'Throw away what runs with --overlay have changed'
complete -c picobox -n '_shtab_picobox_using discard' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using; and test $_shtab_picobox_npos -eq 0' -a instance -d 'Keep Linux systems in directories of their own'
complete -c picobox -n '_shtab_picobox_using instance' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using instance; and test $_shtab_picobox_npos -eq 0' -a import -d 'picobox instance import'
complete -c picobox -n '_shtab_picobox_using instance import' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using instance import' -l color -xka "auto always never" -d 'colour of what picobox prints itself'
complete -c picobox -n '_shtab_picobox_using instance import; and test $_shtab_picobox_npos -eq 1' -ka "(__fish_complete_directories)" -d 'DIR|-'
complete -c picobox -n '_shtab_picobox_using instance import; and test $_shtab_picobox_npos -eq 2' -ka "(__fish_complete_path (commandline -ct))" -d FILE
complete -c picobox -n '_shtab_picobox_using instance; and test $_shtab_picobox_npos -eq 0' -a export -d 'picobox instance export'
complete -c picobox -n '_shtab_picobox_using instance export' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using instance export' -l format -xka "tar tar.gz tar.bz2 tar.xz tar.zst" -d 'export: if the file'"'"'s name does not say'
complete -c picobox -n '_shtab_picobox_using instance export' -l color -xka "auto always never" -d 'colour of what picobox prints itself'
complete -c picobox -n '_shtab_picobox_using instance export; and test $_shtab_picobox_npos -eq 0' -ka "(picobox instance list --quiet 2>/dev/null)" -d NAME
complete -c picobox -n '_shtab_picobox_using instance export; and test $_shtab_picobox_npos -eq 1' -ka "(__fish_complete_path (commandline -ct))" -d FILE
complete -c picobox -n '_shtab_picobox_using instance; and test $_shtab_picobox_npos -eq 0' -a clone -d 'picobox instance clone'
complete -c picobox -n '_shtab_picobox_using instance clone' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using instance clone' -l directory -xka "(__fish_complete_directories)" -d 'clone: where the copy lies, if not among your data'
complete -c picobox -n '_shtab_picobox_using instance clone' -l color -xka "auto always never" -d 'colour of what picobox prints itself'
complete -c picobox -n '_shtab_picobox_using instance clone; and test $_shtab_picobox_npos -eq 0' -ka "(picobox instance list --quiet 2>/dev/null)" -d NAME
complete -c picobox -n '_shtab_picobox_using instance; and test $_shtab_picobox_npos -eq 0' -a list -d 'picobox instance list'
complete -c picobox -n '_shtab_picobox_using instance list' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using instance list' -s v -l verbose -d 'list: the directory too'
complete -c picobox -n '_shtab_picobox_using instance list' -s q -l quiet -d 'list: names alone'
complete -c picobox -n '_shtab_picobox_using instance list' -l running -d 'list: only those that run'
complete -c picobox -n '_shtab_picobox_using instance list' -l all -d 'list: those that come and go, too'
complete -c picobox -n '_shtab_picobox_using instance list' -l json -d 'list, config: as JSON'
complete -c picobox -n '_shtab_picobox_using instance list' -l color -xka "auto always never" -d 'colour of what picobox prints itself'
complete -c picobox -n '_shtab_picobox_using instance; and test $_shtab_picobox_npos -eq 0' -a terminate -d 'picobox instance terminate'
complete -c picobox -n '_shtab_picobox_using instance terminate' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using instance terminate' -l color -xka "auto always never" -d 'colour of what picobox prints itself'
complete -c picobox -n '_shtab_picobox_using instance terminate; and test $_shtab_picobox_npos -eq 0' -ka "(picobox instance list --quiet 2>/dev/null)" -d NAME
complete -c picobox -n '_shtab_picobox_using instance; and test $_shtab_picobox_npos -eq 0' -a set-default -d 'picobox instance set-default'
complete -c picobox -n '_shtab_picobox_using instance set-default' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using instance set-default' -l color -xka "auto always never" -d 'colour of what picobox prints itself'
complete -c picobox -n '_shtab_picobox_using instance set-default; and test $_shtab_picobox_npos -eq 0' -ka "(picobox instance list --quiet 2>/dev/null)" -d NAME
complete -c picobox -n '_shtab_picobox_using instance; and test $_shtab_picobox_npos -eq 0' -a config -d 'picobox instance config'
complete -c picobox -n '_shtab_picobox_using instance config' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using instance config' -l uid -x -d 'config: the user that programs run as'
complete -c picobox -n '_shtab_picobox_using instance config' -l env -x -d 'config: a variable, empty to take it away'
complete -c picobox -n '_shtab_picobox_using instance config' -l drive -x -d 'config: a drive; no DIR to take it away'
complete -c picobox -n '_shtab_picobox_using instance config' -l idle -x -d 'config: how long it stays unused; never: for ever'
complete -c picobox -n '_shtab_picobox_using instance config' -l nt-files -xka "off on" -d 'config: whether NT'"'"'s namespace is there as files, in /nt'
complete -c picobox -n '_shtab_picobox_using instance config' -l json -d 'list, config: as JSON'
complete -c picobox -n '_shtab_picobox_using instance config' -l color -xka "auto always never" -d 'colour of what picobox prints itself'
complete -c picobox -n '_shtab_picobox_using instance config; and test $_shtab_picobox_npos -eq 0' -ka "(picobox instance list --quiet 2>/dev/null)" -d NAME
complete -c picobox -n '_shtab_picobox_using instance; and test $_shtab_picobox_npos -eq 0' -a unregister -d 'picobox instance unregister'
complete -c picobox -n '_shtab_picobox_using instance unregister' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using instance unregister' -l color -xka "auto always never" -d 'colour of what picobox prints itself'
complete -c picobox -n '_shtab_picobox_using instance unregister; and test $_shtab_picobox_npos -eq 0' -ka "(picobox instance list --quiet 2>/dev/null)" -d NAME
complete -c picobox -n '_shtab_picobox_using instance; and test $_shtab_picobox_npos -eq 0' -a run -d 'Run a program in an instance, or a login shell if none is named'
complete -c picobox -n '_shtab_picobox_using instance run' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using instance run' -s d -l distribution -xka "(picobox instance list --quiet 2>/dev/null)" -d 'which instance, if not the default one'
complete -c picobox -n '_shtab_picobox_using instance run' -s u -l user -x -d 'who the program is to be, by name or number; root too, whoever you are'
complete -c picobox -n '_shtab_picobox_using instance run' -l cd -xka "(__fish_complete_directories)" -d 'start in a directory of the instance; ~ is the user'"'"'s home'
complete -c picobox -n '_shtab_picobox_using instance run' -l exec -d 'the words are a program and its arguments, no line for a shell'
complete -c picobox -n '_shtab_picobox_using; and test $_shtab_picobox_npos -eq 0' -a wsl -d 'Read wsl.exe'"'"'s command line, with WSL 1'"'"'s answers'
complete -c picobox -n '_shtab_picobox_using wsl' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using wsl' -l all -d all
complete -c picobox -n '_shtab_picobox_using wsl' -l exec -d exec
complete -c picobox -n '_shtab_picobox_using wsl' -l force -d force
complete -c picobox -n '_shtab_picobox_using wsl' -l list -d list
complete -c picobox -n '_shtab_picobox_using wsl' -l quiet -d quiet
complete -c picobox -n '_shtab_picobox_using wsl' -l running -d running
complete -c picobox -n '_shtab_picobox_using wsl' -l shutdown -d shutdown
complete -c picobox -n '_shtab_picobox_using wsl' -l status -d status
complete -c picobox -n '_shtab_picobox_using wsl' -l verbose -d verbose
complete -c picobox -n '_shtab_picobox_using wsl' -l version -d version
complete -c picobox -n '_shtab_picobox_using wsl' -l vhd -d vhd
complete -c picobox -n '_shtab_picobox_using wsl' -s e -d e
complete -c picobox -n '_shtab_picobox_using wsl' -s l -d l
complete -c picobox -n '_shtab_picobox_using wsl' -s q -d q
complete -c picobox -n '_shtab_picobox_using wsl' -s v -d v
complete -c picobox -n '_shtab_picobox_using wsl' -l export -xka "(picobox instance list --quiet 2>/dev/null)" -d export
complete -c picobox -n '_shtab_picobox_using wsl' -l import -xka "(__fish_complete_path (commandline -ct))" -d import
complete -c picobox -n '_shtab_picobox_using wsl' -l set-default -xka "(picobox instance list --quiet 2>/dev/null)" -d set-default
complete -c picobox -n '_shtab_picobox_using wsl' -l set-default-version -x -d set-default-version
complete -c picobox -n '_shtab_picobox_using wsl' -l set-version -xka "(picobox instance list --quiet 2>/dev/null)" -d set-version
complete -c picobox -n '_shtab_picobox_using wsl' -l setdefault -xka "(picobox instance list --quiet 2>/dev/null)" -d setdefault
complete -c picobox -n '_shtab_picobox_using wsl' -l terminate -xka "(picobox instance list --quiet 2>/dev/null)" -d terminate
complete -c picobox -n '_shtab_picobox_using wsl' -l unregister -xka "(picobox instance list --quiet 2>/dev/null)" -d unregister
complete -c picobox -n '_shtab_picobox_using wsl' -s s -xka "(picobox instance list --quiet 2>/dev/null)" -d s
complete -c picobox -n '_shtab_picobox_using wsl' -s t -xka "(picobox instance list --quiet 2>/dev/null)" -d t
complete -c picobox -n '_shtab_picobox_using wsl' -s d -xka "(picobox instance list --quiet 2>/dev/null)" -d distribution
complete -c picobox -n '_shtab_picobox_using wsl' -l distribution -xka "(picobox instance list --quiet 2>/dev/null)" -d distribution
complete -c picobox -n '_shtab_picobox_using wsl' -l distribution-id -x -d distribution
complete -c picobox -n '_shtab_picobox_using wsl' -s u -x -d user
complete -c picobox -n '_shtab_picobox_using wsl' -l user -x -d user
complete -c picobox -n '_shtab_picobox_using wsl' -l cd -xka "(__fish_complete_directories)" -d directory
complete -c picobox -n '_shtab_picobox_using wsl' -l shell-type -xka "standard login none" -d shell_type
complete -c picobox -n '_shtab_picobox_using; and test $_shtab_picobox_npos -eq 0' -a completion -d 'Print what makes a shell complete verbs, options, names of instances, profiles and policies'
complete -c picobox -n '_shtab_picobox_using completion' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using completion; and test $_shtab_picobox_npos -eq 0' -ka "bash zsh fish" -d 'the shell that is to complete'
complete -c picobox -n '_shtab_picobox_using; and test $_shtab_picobox_npos -eq 0' -a ps -d 'List the processes that run under picobox'
complete -c picobox -n '_shtab_picobox_using ps' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using ps' -l run -x -d 'look at the run whose picobox has this pid alone'
complete -c picobox -n '_shtab_picobox_using ps' -l json -d 'as JSON, which docs/inspection.md describes'
complete -c picobox -n '_shtab_picobox_using ps' -l color -xka "auto always never" -d 'colour of what picobox prints itself'
complete -c picobox -n '_shtab_picobox_using; and test $_shtab_picobox_npos -eq 0' -a handles -d 'List what the processes that run under picobox have open'
complete -c picobox -n '_shtab_picobox_using handles' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using handles' -s p -l pid -x -d 'of this process alone'
complete -c picobox -n '_shtab_picobox_using handles' -l run -x -d 'look at the run whose picobox has this pid alone'
complete -c picobox -n '_shtab_picobox_using handles' -l json -d 'as JSON, which docs/inspection.md describes'
complete -c picobox -n '_shtab_picobox_using handles' -l color -xka "auto always never" -d 'colour of what picobox prints itself'
complete -c picobox -n '_shtab_picobox_using; and test $_shtab_picobox_npos -eq 0' -a objects -d 'Show the objects that have names in a run'"'"'s executive'
complete -c picobox -n '_shtab_picobox_using objects' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using objects' -l run -x -d 'look at the run whose picobox has this pid alone'
complete -c picobox -n '_shtab_picobox_using objects' -l json -d 'as JSON, which docs/inspection.md describes'
complete -c picobox -n '_shtab_picobox_using objects' -l color -xka "auto always never" -d 'colour of what picobox prints itself'
complete -c picobox -n '_shtab_picobox_using objects; and test $_shtab_picobox_npos -eq 0' -ka "(__fish_complete_path (commandline -ct))" -d 'a directory or another object'
complete -c picobox -n '_shtab_picobox_using; and test $_shtab_picobox_npos -eq 0' -a locks -d 'List locks'
complete -c picobox -n '_shtab_picobox_using locks' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using locks' -l run -x -d 'look at the run whose picobox has this pid alone'
complete -c picobox -n '_shtab_picobox_using locks' -l json -d 'as JSON, which docs/inspection.md describes'
complete -c picobox -n '_shtab_picobox_using locks' -l color -xka "auto always never" -d 'colour of what picobox prints itself'
complete -c picobox -n '_shtab_picobox_using; and test $_shtab_picobox_npos -eq 0' -a top -d 'Show what runs are busy with'
complete -c picobox -n '_shtab_picobox_using top' -s h -l help -d 'show this help message and exit'
complete -c picobox -n '_shtab_picobox_using top' -l interval -x -d 'between two looks; 1'
complete -c picobox -n '_shtab_picobox_using top' -l count -x -d 'how many looks'
complete -c picobox -n '_shtab_picobox_using top' -l run -x -d 'look at the run whose picobox has this pid alone'
complete -c picobox -n '_shtab_picobox_using top' -l json -d 'as JSON, which docs/inspection.md describes'
complete -c picobox -n '_shtab_picobox_using top' -l color -xka "auto always never" -d 'colour of what picobox prints itself'

function _picobox_in_command
  contains -- -- (commandline -opc)
end

function _picobox_command
  set -l words (commandline -opc)
  set -e words[1..(contains -i -- -- $words)]
  complete -C (string join ' ' -- (string escape -- $words) (commandline -ct))
end

function _shtab_picobox_using
  _picobox_in_command; and return 1
  _shtab_picobox_scan
  test "$_shtab_picobox_cmdpath" = "$argv"
end

complete -c picobox -n _picobox_in_command -xa '(_picobox_command)'
