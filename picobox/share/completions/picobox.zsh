#compdef picobox
# Completes picobox's command line. python -m tests.interface makes this file from the parsers.
_shtab_picobox_commands() {
  local _commands=(
    check:'Run a program, usually a test suite, under the file rules of Windows and tell what would break there'
    commit:'Make what runs with --overlay have changed the host'"'"'s own, and empty the layer'
    completion:'Print what makes a shell complete verbs, options, names of instances, profiles and policies'
    diff:'Tell what runs with --overlay have changed'
    discard:'Throw away what runs with --overlay have changed'
    doctor:'Ask this machine what picobox needs of it'
    explain:'Tell of one system call what picobox knows'
    handles:'List what the processes that run under picobox have open'
    instance:'Keep Linux systems in directories of their own'
    learn:'Write the smallest policy under which a command still runs'
    locks:'List locks'
    names:'Judge names by the rules of Windows, PB001 to PB008'
    objects:'Show the objects that have names in a run'"'"'s executive'
    policy:'Tell what a program may reach under a policy, in this directory and for this user'
    ps:'List the processes that run under picobox'
    report:'Tell as one what several checks have found, each of which wrote a report by --format json'
    run:'Run a Linux program as a pico process'
    syscalls:'List the system calls of Linux x86-64 and how each is served'
    top:'Show what runs are busy with'
    trace:'Run a Linux program and write down every system call it makes, with the NT service and the NTSTATUS behind it'
    wsl:'Read wsl.exe'"'"'s command line, with WSL 1'"'"'s answers'
    wslpath:'Translate a path between Windows and Linux, as WSL'"'"'s own wslpath does'
  )
  _describe 'picobox commands' _commands
}

_shtab_picobox_instance_commands() {
  local _commands=(
    clone:'picobox instance clone'
    config:'picobox instance config'
    export:'picobox instance export'
    import:'picobox instance import'
    list:'picobox instance list'
    run:'Run a program in an instance, or a login shell if none is named'
    set-default:'picobox instance set-default'
    terminate:'picobox instance terminate'
    unregister:'picobox instance unregister'
  )
  _describe 'picobox instance commands' _commands
}

_shtab_picobox_policy_commands() {
  local _commands=(
    check:'picobox policy check'
    show:'picobox policy show'
    trust:'picobox policy trust'
  )
  _describe 'picobox policy commands' _commands
}

_shtab_picobox_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--version[print the version and exit]"
  {-q,--quiet}"[say nothing but errors]"
  {-v,--verbose}"[end with a summary, in which waits for children and ends do not count]"
  "--color[colour of what picobox prints itself]:color:(auto always never)"
  "--report[end with what was refused, by which rule, how to allow it]"
  "--unconfined[without walls\: it can do whatever you can]"
  "--overlay[keep what it writes in a layer, apart from your files\; picobox diff, commit and discard are about layers]:NAME:"
  "--policy[what the program may reach\: strict, default, open, or as FILE says\; \`picobox policy show\` tells all]:NAME|FILE:_picobox_policies"
  "*--read[PATH and all below it may be read]:PATH:_files"
  "*--write[PATH and all below it may be changed]:PATH:_files"
  "*--hide[PATH is not there]:PATH:_files"
  "*--layer[PATH may be changed in a layer that is dropped at the end]:PATH:_files"
  "--network[none, a loopback of its own, or what this machine reaches]:network:(none loopback host)"
  "*--limit[memory\=2G, processes\=100, open-files, file-size, cpu-time\=10m, wall-time\; none for no limit]:KEY=VALUE:"
  "*--keep-env[leave a variable, or those of a pattern]:NAME:"
  "*--unset-env[take a variable away, or those of a pattern]:NAME:"
  "*--device[a device such as \/dev\/kvm is there]:PATH:_files"
  "--walls[what keeps the program in\: namespaces where this machine gives them, or Landlock and the supervisor]:walls:(auto no-namespaces)"
  "--nt-files[the program finds the namespace of NT objects as files in \/nt, to be read]"
  "--new-session[without your terminal and its job control]"
  "--profile[the rules the program meets]:profile:(linux nt wsl1 windows10 windows11)"
  "--platform[how calls are intercepted]:platform:(trace reference)"
  "--no-gate[leave the code of programs as it is\: no call is made without going through picobox. It changes nothing but speed]"
  "--no-fast[nor use the kernel\'s notify channel\: every call is a stop, as on a kernel before 6.6. It changes nothing but speed]"
  "*--drive[DIR is that drive\; C\: is the working directory unless you say otherwise]:LETTER=DIR:"
  "*--share[with profile windows10 or windows11\: what opens share, letters of RWD or 0 for nothing, instead of what the program\'s runtime asks for on Windows]:[PROGRAM=]MODE:"
  "--windows-prefix[with profile windows10 or windows11\: where the working directory would be, for the length of paths\; D\:\\a\\NAME\\NAME unless you say otherwise, NAME being its name]:PATH:_files"
  "--case[where names are exact\: nowhere\; in directories with the flag, and off the drives\; everywhere but in a drive\'s root. off, dir and force are WSL\'s words for the same]:case:(insensitive per-directory sensitive off dir force)"
  "*--faithful[with profile wsl1\: bring faults of WSL1 back\; \`all\` for all, \`list\` to see them]:FAULT,...:(all list locks truncate-mapped map-locked map-hint map-growsdown map-errno sigbus pagemap madvise mlock mlockall rlimit-fsize rlimit-as clone-flags wait-group robust-list personality clock-getres clock-nanosleep cpu-clock msg-errqueue iovec-count siocatmark raw-sockets fstatfs-pipe proc-sys pid-max proc-missing net-tun fs-flags unshare-user affinity rename-open-child rename-flags relink statfs-counts directory-links times-100ns readdir-dots cgroup2 statx aio memfd copy-file-range mincore mqueue msgqueue perf ldt numa file-handles keys fanotify vmsplice syncfs readahead remap-file-pages rr-interval sigqueueinfo preadv etxtbsy madvise-dontneed clone-vfork-vm ptrace-setregs ptrace-getregs commit seccomp)"
  {-w,--workdir}"[run the program in DIR]:DIR:_files -/"
  "*"{-E,--env}"[set a variable for the program]:K=V:"
  "--timeout[kill the program, status 124]:SECONDS:"
  "--wait-all[wait for what the program leaves behind instead of killing it]"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_defaults_added=0

_shtab_picobox_check_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--enforce[give the program the answers of Windows]"
  "*--inject[let calls fail\: a name or \%class, an errno or NTSTATUS name, and after \:when\= which of a task\'s calls, as with strace\: N, N\+, N\+STEP, N..M]:CALL:error=E:"
  "--handle-limit[let opens of a process that has N descriptors fail]:N:"
  "--shuffle-dirs[list directories on drives in another order\; SEED, a number, chooses which]:SEED:"
  "--virus-scanner[let a virus scanner open each file that was written, share nothing, and close it after MS milliseconds, 50 unless you say otherwise]:MS:"
  "--fail-on[the least severity that makes the exit status 1, or never\; warning unless you say otherwise]:fail_on:(note warning error never)"
  "--format[the form of the report\; text is the default]:format:(text json sarif junit github html)"
  {-o,--output}"[write the report to FILE, which is replaced as a whole\; \%p in its name becomes the process id]:FILE:_files"
  "--baseline[what FILE names is known, and does not count]:FILE:_files"
  "--write-baseline[name all that is found in FILE\; it does not count any more]:FILE:_files"
  "--config[read the settings of FILE, not of the nearest picobox.toml or pyproject.toml]:FILE:_files"
  "--no-config[read no settings of any file]"
  {-q,--quiet}"[say nothing but errors]"
  {-v,--verbose}"[end with a summary, in which waits for children and ends do not count]"
  "--color[colour of what picobox prints itself]:color:(auto always never)"
  "--profile[the version of Windows\; windows11 is the default]:profile:(windows10 windows11)"
  "--platform[how calls are intercepted]:platform:(trace reference)"
  "--no-gate[leave the code of programs as it is\: no call is made without going through picobox. It changes nothing but speed]"
  "--no-fast[nor use the kernel\'s notify channel\: every call is a stop, as on a kernel before 6.6. It changes nothing but speed]"
  "*--drive[DIR is that drive\; C\: is the working directory unless you say otherwise]:LETTER=DIR:"
  "*--share[with profile windows10 or windows11\: what opens share, letters of RWD or 0 for nothing, instead of what the program\'s runtime asks for on Windows]:[PROGRAM=]MODE:"
  "--windows-prefix[with profile windows10 or windows11\: where the working directory would be, for the length of paths\; D\:\\a\\NAME\\NAME unless you say otherwise, NAME being its name]:PATH:_files"
  "--case[where names are exact\: nowhere\; in directories with the flag, and off the drives\; everywhere but in a drive\'s root. off, dir and force are WSL\'s words for the same]:case:(insensitive per-directory sensitive off dir force)"
  "*--faithful[with profile wsl1\: bring faults of WSL1 back\; \`all\` for all, \`list\` to see them]:FAULT,...:(all list locks truncate-mapped map-locked map-hint map-growsdown map-errno sigbus pagemap madvise mlock mlockall rlimit-fsize rlimit-as clone-flags wait-group robust-list personality clock-getres clock-nanosleep cpu-clock msg-errqueue iovec-count siocatmark raw-sockets fstatfs-pipe proc-sys pid-max proc-missing net-tun fs-flags unshare-user affinity rename-open-child rename-flags relink statfs-counts directory-links times-100ns readdir-dots cgroup2 statx aio memfd copy-file-range mincore mqueue msgqueue perf ldt numa file-handles keys fanotify vmsplice syncfs readahead remap-file-pages rr-interval sigqueueinfo preadv etxtbsy madvise-dontneed clone-vfork-vm ptrace-setregs ptrace-getregs commit seccomp)"
  {-w,--workdir}"[run the program in DIR]:DIR:_files -/"
  "*"{-E,--env}"[set a variable for the program]:K=V:"
  "--timeout[kill the program, status 124]:SECONDS:"
  "--wait-all[wait for what the program leaves behind instead of killing it]"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_check_defaults_added=0

_shtab_picobox_commit_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--force[take the layer\'s where the host has changed the same]"
  {-q,--quiet}"[say nothing but errors]"
  {-v,--verbose}"[end with a summary, in which waits for children and ends do not count]"
  ":the layer\; that of runs in this directory unless you say so:"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_commit_defaults_added=0

_shtab_picobox_completion_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  ":the shell that is to complete:(bash zsh fish)"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_completion_defaults_added=0

_shtab_picobox_diff_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--patch[write a patch in git\'s format]"
  "--format[json\: one object, for programs]:format:(text json)"
  ":the layer\; that of runs in this directory unless you say so:"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_diff_defaults_added=0

_shtab_picobox_discard_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  ":the layer\; that of runs in this directory unless you say so:"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_discard_defaults_added=0

_shtab_picobox_doctor_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--json[write one JSON object]"
  "--color[colour of what picobox prints itself]:color:(auto always never)"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_doctor_defaults_added=0

_shtab_picobox_explain_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--json[write one JSON object]"
  "--color[colour of what picobox prints itself]:color:(auto always never)"
  ":a call\'s name, or its number:"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_explain_defaults_added=0

_shtab_picobox_handles_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  {-p,--pid}"[of this process alone]:PID:"
  "--run[look at the run whose picobox has this pid alone]:PID:"
  "--json[as JSON, which docs\/inspection.md describes]"
  "--color[colour of what picobox prints itself]:color:(auto always never)"
  ":a file, by any of its names:"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_handles_defaults_added=0

_shtab_picobox_instance_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_instance_defaults_added=0

_shtab_picobox_instance_clone_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--directory[clone\: where the copy lies, if not among your data]:DIR:_files -/"
  "--color[colour of what picobox prints itself]:color:(auto always never)"
  ":NAME:($(picobox instance list --quiet 2>/dev/null))"
  ":NEW:"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_instance_clone_defaults_added=0

_shtab_picobox_instance_config_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--uid[config\: the user that programs run as]:N:"
  "*--env[config\: a variable, empty to take it away]:NAME=VALUE:"
  "*--drive[config\: a drive\; no DIR to take it away]:LETTER=DIR:"
  "--idle[config\: how long it stays unused\; never\: for ever]:SECONDS:"
  "--nt-files[config\: whether NT\'s namespace is there as files, in \/nt]:nt_files:(off on)"
  "--json[list, config\: as JSON]"
  "--color[colour of what picobox prints itself]:color:(auto always never)"
  ":NAME:($(picobox instance list --quiet 2>/dev/null))"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_instance_config_defaults_added=0

_shtab_picobox_instance_export_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--format[export\: if the file\'s name does not say]:format:(tar tar.gz tar.bz2 tar.xz tar.zst)"
  "--color[colour of what picobox prints itself]:color:(auto always never)"
  ":NAME:($(picobox instance list --quiet 2>/dev/null))"
  ":FILE:_files"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_instance_export_defaults_added=0

_shtab_picobox_instance_import_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--color[colour of what picobox prints itself]:color:(auto always never)"
  ":NAME:"
  ":DIR\|-:_files -/"
  ":FILE:_files"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_instance_import_defaults_added=0

_shtab_picobox_instance_list_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  {-v,--verbose}"[list\: the directory too]"
  {-q,--quiet}"[list\: names alone]"
  "--running[list\: only those that run]"
  "--all[list\: those that come and go, too]"
  "--json[list, config\: as JSON]"
  "--color[colour of what picobox prints itself]:color:(auto always never)"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_instance_list_defaults_added=0

_shtab_picobox_instance_run_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  {-d,--distribution}"[which instance, if not the default one]:NAME:($(picobox instance list --quiet 2>/dev/null))"
  {-u,--user}"[who the program is to be, by name or number\; root too, whoever you are]:USER:"
  "--cd[start in a directory of the instance\; \~ is the user\'s home]:DIR:_files -/"
  "--exec[the words are a program and its arguments, no line for a shell]"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_instance_run_defaults_added=0

_shtab_picobox_instance_set_default_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--color[colour of what picobox prints itself]:color:(auto always never)"
  ":NAME:($(picobox instance list --quiet 2>/dev/null))"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_instance_set_default_defaults_added=0

_shtab_picobox_instance_terminate_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--color[colour of what picobox prints itself]:color:(auto always never)"
  ":NAME:($(picobox instance list --quiet 2>/dev/null))"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_instance_terminate_defaults_added=0

_shtab_picobox_instance_unregister_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--color[colour of what picobox prints itself]:color:(auto always never)"
  ":NAME:($(picobox instance list --quiet 2>/dev/null))"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_instance_unregister_defaults_added=0

_shtab_picobox_learn_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  {-o,--output}"[write the policy to FILE\; paths in it are relative to that]:FILE:_files"
  "--same-output[the command has to write the same to standard output, too]"
  {-q,--quiet}"[say nothing but errors]"
  {-v,--verbose}"[end with a summary, in which waits for children and ends do not count]"
  "--color[colour of what picobox prints itself]:color:(auto always never)"
  "--profile[the rules the program meets]:profile:(linux nt wsl1 windows10 windows11)"
  "--platform[how calls are intercepted]:platform:(trace reference)"
  "--no-gate[leave the code of programs as it is\: no call is made without going through picobox. It changes nothing but speed]"
  "--no-fast[nor use the kernel\'s notify channel\: every call is a stop, as on a kernel before 6.6. It changes nothing but speed]"
  "*--drive[DIR is that drive\; C\: is the working directory unless you say otherwise]:LETTER=DIR:"
  "*--share[with profile windows10 or windows11\: what opens share, letters of RWD or 0 for nothing, instead of what the program\'s runtime asks for on Windows]:[PROGRAM=]MODE:"
  "--windows-prefix[with profile windows10 or windows11\: where the working directory would be, for the length of paths\; D\:\\a\\NAME\\NAME unless you say otherwise, NAME being its name]:PATH:_files"
  "--case[where names are exact\: nowhere\; in directories with the flag, and off the drives\; everywhere but in a drive\'s root. off, dir and force are WSL\'s words for the same]:case:(insensitive per-directory sensitive off dir force)"
  "*--faithful[with profile wsl1\: bring faults of WSL1 back\; \`all\` for all, \`list\` to see them]:FAULT,...:(all list locks truncate-mapped map-locked map-hint map-growsdown map-errno sigbus pagemap madvise mlock mlockall rlimit-fsize rlimit-as clone-flags wait-group robust-list personality clock-getres clock-nanosleep cpu-clock msg-errqueue iovec-count siocatmark raw-sockets fstatfs-pipe proc-sys pid-max proc-missing net-tun fs-flags unshare-user affinity rename-open-child rename-flags relink statfs-counts directory-links times-100ns readdir-dots cgroup2 statx aio memfd copy-file-range mincore mqueue msgqueue perf ldt numa file-handles keys fanotify vmsplice syncfs readahead remap-file-pages rr-interval sigqueueinfo preadv etxtbsy madvise-dontneed clone-vfork-vm ptrace-setregs ptrace-getregs commit seccomp)"
  {-w,--workdir}"[run the program in DIR]:DIR:_files -/"
  "*"{-E,--env}"[set a variable for the program]:K=V:"
  "--timeout[kill the program, status 124]:SECONDS:"
  "--wait-all[wait for what the program leaves behind instead of killing it]"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_learn_defaults_added=0

_shtab_picobox_locks_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--run[look at the run whose picobox has this pid alone]:PID:"
  "--json[as JSON, which docs\/inspection.md describes]"
  "--color[colour of what picobox prints itself]:color:(auto always never)"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_locks_defaults_added=0

_shtab_picobox_names_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--profile[the version of Windows\; windows11 is the default]:profile:(windows10 windows11)"
  "--windows-prefix[where the root of the names would be, for the length of paths\; D\:\\a\\NAME\\NAME unless you say otherwise, NAME being its name]:PATH:_files"
  "--git[judge the index of the git repository here, or at PATH]"
  {-0,--null}"[names on standard input end in NUL, not in a newline]"
  "--fail-on[the least severity that makes the exit status 1, or never\; warning unless you say otherwise]:fail_on:(note warning error never)"
  "--format[the form of the report\; text is the default]:format:(text json sarif junit github html)"
  {-o,--output}"[write the report to FILE, which is replaced as a whole\; \%p in its name becomes the process id]:FILE:_files"
  "--baseline[what FILE names is known, and does not count]:FILE:_files"
  "--write-baseline[name all that is found in FILE\; it does not count any more]:FILE:_files"
  "--config[read the settings of FILE, not of the nearest picobox.toml or pyproject.toml]:FILE:_files"
  "--no-config[read no settings of any file]"
  {-q,--quiet}"[say nothing but errors]"
  {-v,--verbose}"[end with a summary, in which waits for children and ends do not count]"
  "--color[colour of what picobox prints itself]:color:(auto always never)"
  "(*)::a directory, an archive, or a file whose name is judged\; - for names on standard input:_files"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_names_defaults_added=0

_shtab_picobox_objects_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--run[look at the run whose picobox has this pid alone]:PID:"
  "--json[as JSON, which docs\/inspection.md describes]"
  "--color[colour of what picobox prints itself]:color:(auto always never)"
  ":a directory or another object:_files"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_objects_defaults_added=0

_shtab_picobox_policy_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_policy_defaults_added=0

_shtab_picobox_policy_check_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--format[how show writes it]:format:(text toml json)"
  {-a,--all}"[also rules for files that are not there]"
  "--color[colour of what picobox prints itself]:color:(auto always never)"
  ":NAME\|FILE:_picobox_policies"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_policy_check_defaults_added=0

_shtab_picobox_policy_show_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--format[how show writes it]:format:(text toml json)"
  {-a,--all}"[also rules for files that are not there]"
  "--color[colour of what picobox prints itself]:color:(auto always never)"
  ":NAME\|FILE:_picobox_policies"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_policy_show_defaults_added=0

_shtab_picobox_policy_trust_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--format[how show writes it]:format:(text toml json)"
  {-a,--all}"[also rules for files that are not there]"
  "--color[colour of what picobox prints itself]:color:(auto always never)"
  ":NAME\|FILE:_picobox_policies"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_policy_trust_defaults_added=0

_shtab_picobox_ps_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--run[look at the run whose picobox has this pid alone]:PID:"
  "--json[as JSON, which docs\/inspection.md describes]"
  "--color[colour of what picobox prints itself]:color:(auto always never)"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_ps_defaults_added=0

_shtab_picobox_report_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--fail-on[the least severity that makes the exit status 1, or never\; warning unless you say otherwise]:fail_on:(note warning error never)"
  "--format[the form of the report\; text is the default]:format:(text json sarif junit github html)"
  {-o,--output}"[write the report to FILE, which is replaced as a whole\; \%p in its name becomes the process id]:FILE:_files"
  "--baseline[what FILE names is known, and does not count]:FILE:_files"
  "--write-baseline[name all that is found in FILE\; it does not count any more]:FILE:_files"
  "--config[read the settings of FILE, not of the nearest picobox.toml or pyproject.toml]:FILE:_files"
  "--no-config[read no settings of any file]"
  {-q,--quiet}"[say nothing but errors]"
  {-v,--verbose}"[end with a summary, in which waits for children and ends do not count]"
  "--color[colour of what picobox prints itself]:color:(auto always never)"
  "(*):a report, or a directory of them with names in .json:_files"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_report_defaults_added=0

_shtab_picobox_run_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--version[print the version and exit]"
  {-q,--quiet}"[say nothing but errors]"
  {-v,--verbose}"[end with a summary, in which waits for children and ends do not count]"
  "--color[colour of what picobox prints itself]:color:(auto always never)"
  "--report[end with what was refused, by which rule, how to allow it]"
  "--unconfined[without walls\: it can do whatever you can]"
  "--overlay[keep what it writes in a layer, apart from your files\; picobox diff, commit and discard are about layers]:NAME:"
  "--policy[what the program may reach\: strict, default, open, or as FILE says\; \`picobox policy show\` tells all]:NAME|FILE:_picobox_policies"
  "*--read[PATH and all below it may be read]:PATH:_files"
  "*--write[PATH and all below it may be changed]:PATH:_files"
  "*--hide[PATH is not there]:PATH:_files"
  "*--layer[PATH may be changed in a layer that is dropped at the end]:PATH:_files"
  "--network[none, a loopback of its own, or what this machine reaches]:network:(none loopback host)"
  "*--limit[memory\=2G, processes\=100, open-files, file-size, cpu-time\=10m, wall-time\; none for no limit]:KEY=VALUE:"
  "*--keep-env[leave a variable, or those of a pattern]:NAME:"
  "*--unset-env[take a variable away, or those of a pattern]:NAME:"
  "*--device[a device such as \/dev\/kvm is there]:PATH:_files"
  "--walls[what keeps the program in\: namespaces where this machine gives them, or Landlock and the supervisor]:walls:(auto no-namespaces)"
  "--nt-files[the program finds the namespace of NT objects as files in \/nt, to be read]"
  "--new-session[without your terminal and its job control]"
  "--profile[the rules the program meets]:profile:(linux nt wsl1 windows10 windows11)"
  "--platform[how calls are intercepted]:platform:(trace reference)"
  "--no-gate[leave the code of programs as it is\: no call is made without going through picobox. It changes nothing but speed]"
  "--no-fast[nor use the kernel\'s notify channel\: every call is a stop, as on a kernel before 6.6. It changes nothing but speed]"
  "*--drive[DIR is that drive\; C\: is the working directory unless you say otherwise]:LETTER=DIR:"
  "*--share[with profile windows10 or windows11\: what opens share, letters of RWD or 0 for nothing, instead of what the program\'s runtime asks for on Windows]:[PROGRAM=]MODE:"
  "--windows-prefix[with profile windows10 or windows11\: where the working directory would be, for the length of paths\; D\:\\a\\NAME\\NAME unless you say otherwise, NAME being its name]:PATH:_files"
  "--case[where names are exact\: nowhere\; in directories with the flag, and off the drives\; everywhere but in a drive\'s root. off, dir and force are WSL\'s words for the same]:case:(insensitive per-directory sensitive off dir force)"
  "*--faithful[with profile wsl1\: bring faults of WSL1 back\; \`all\` for all, \`list\` to see them]:FAULT,...:(all list locks truncate-mapped map-locked map-hint map-growsdown map-errno sigbus pagemap madvise mlock mlockall rlimit-fsize rlimit-as clone-flags wait-group robust-list personality clock-getres clock-nanosleep cpu-clock msg-errqueue iovec-count siocatmark raw-sockets fstatfs-pipe proc-sys pid-max proc-missing net-tun fs-flags unshare-user affinity rename-open-child rename-flags relink statfs-counts directory-links times-100ns readdir-dots cgroup2 statx aio memfd copy-file-range mincore mqueue msgqueue perf ldt numa file-handles keys fanotify vmsplice syncfs readahead remap-file-pages rr-interval sigqueueinfo preadv etxtbsy madvise-dontneed clone-vfork-vm ptrace-setregs ptrace-getregs commit seccomp)"
  {-w,--workdir}"[run the program in DIR]:DIR:_files -/"
  "*"{-E,--env}"[set a variable for the program]:K=V:"
  "--timeout[kill the program, status 124]:SECONDS:"
  "--wait-all[wait for what the program leaves behind instead of killing it]"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_run_defaults_added=0

_shtab_picobox_syscalls_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--format[how to write the list]:format:(table json md)"
  "--color[colour of what picobox prints itself]:color:(auto always never)"
  "(*)::a call or a \%class\; none\: every call:"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_syscalls_defaults_added=0

_shtab_picobox_top_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--interval[between two looks\; 1]:SECONDS:"
  "--count[how many looks]:N:"
  "--run[look at the run whose picobox has this pid alone]:PID:"
  "--json[as JSON, which docs\/inspection.md describes]"
  "--color[colour of what picobox prints itself]:color:(auto always never)"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_top_defaults_added=0

_shtab_picobox_trace_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  {-o,--output}"[write the trace to FILE]:FILE:_files"
  {-c,--summary-only}"[write no calls but a table of them\: how many, errors, seconds in the kernel and in picobox]"
  "--format[text as strace writes it, one JSON object a line, or what ui.perfetto.dev and chrome\:\/\/tracing open]:format:(text jsonl chrome)"
  {-e,--events}"[record only these\: names, \%classes, \/regexes, a leading \! for all but these, a \? before what may not exist]:CALLS:"
  "*"{-P,--trace-path}"[record only calls that name PATH or a descriptor of it\; may be repeated]:PATH:_files"
  {-z,--successful-only}"[record only calls that return without an error]"
  {-Z,--failed-only}"[record only calls that return with an error]"
  "*--nt[record only calls that correspond to this NT service\; \* stands for any characters\; may be repeated]:NAME:"
  "*--status[record only calls with this NTSTATUS, a name, with \* as above, or a number\; may be repeated]:NAME:"
  {-q,--quiet}"[say nothing but errors]"
  {-v,--verbose}"[end with a summary, in which waits for children and ends do not count]"
  "--color[colour of what picobox prints itself]:color:(auto always never)"
  "--policy[what the program may reach\: strict, default, open, or as FILE says\; \`picobox policy show\` tells all]:NAME|FILE:_picobox_policies"
  "*--read[PATH and all below it may be read]:PATH:_files"
  "*--write[PATH and all below it may be changed]:PATH:_files"
  "*--hide[PATH is not there]:PATH:_files"
  "*--layer[PATH may be changed in a layer that is dropped at the end]:PATH:_files"
  "--network[none, a loopback of its own, or what this machine reaches]:network:(none loopback host)"
  "*--limit[memory\=2G, processes\=100, open-files, file-size, cpu-time\=10m, wall-time\; none for no limit]:KEY=VALUE:"
  "*--keep-env[leave a variable, or those of a pattern]:NAME:"
  "*--unset-env[take a variable away, or those of a pattern]:NAME:"
  "*--device[a device such as \/dev\/kvm is there]:PATH:_files"
  "--walls[what keeps the program in\: namespaces where this machine gives them, or Landlock and the supervisor]:walls:(auto no-namespaces)"
  "--nt-files[the program finds the namespace of NT objects as files in \/nt, to be read]"
  "--new-session[without your terminal and its job control]"
  "--profile[the rules the program meets]:profile:(linux nt wsl1 windows10 windows11)"
  "--platform[how calls are intercepted]:platform:(trace reference)"
  "--no-gate[leave the code of programs as it is\: no call is made without going through picobox. It changes nothing but speed]"
  "--no-fast[nor use the kernel\'s notify channel\: every call is a stop, as on a kernel before 6.6. It changes nothing but speed]"
  "*--drive[DIR is that drive\; C\: is the working directory unless you say otherwise]:LETTER=DIR:"
  "*--share[with profile windows10 or windows11\: what opens share, letters of RWD or 0 for nothing, instead of what the program\'s runtime asks for on Windows]:[PROGRAM=]MODE:"
  "--windows-prefix[with profile windows10 or windows11\: where the working directory would be, for the length of paths\; D\:\\a\\NAME\\NAME unless you say otherwise, NAME being its name]:PATH:_files"
  "--case[where names are exact\: nowhere\; in directories with the flag, and off the drives\; everywhere but in a drive\'s root. off, dir and force are WSL\'s words for the same]:case:(insensitive per-directory sensitive off dir force)"
  "*--faithful[with profile wsl1\: bring faults of WSL1 back\; \`all\` for all, \`list\` to see them]:FAULT,...:(all list locks truncate-mapped map-locked map-hint map-growsdown map-errno sigbus pagemap madvise mlock mlockall rlimit-fsize rlimit-as clone-flags wait-group robust-list personality clock-getres clock-nanosleep cpu-clock msg-errqueue iovec-count siocatmark raw-sockets fstatfs-pipe proc-sys pid-max proc-missing net-tun fs-flags unshare-user affinity rename-open-child rename-flags relink statfs-counts directory-links times-100ns readdir-dots cgroup2 statx aio memfd copy-file-range mincore mqueue msgqueue perf ldt numa file-handles keys fanotify vmsplice syncfs readahead remap-file-pages rr-interval sigqueueinfo preadv etxtbsy madvise-dontneed clone-vfork-vm ptrace-setregs ptrace-getregs commit seccomp)"
  {-w,--workdir}"[run the program in DIR]:DIR:_files -/"
  "*"{-E,--env}"[set a variable for the program]:K=V:"
  "--timeout[kill the program, status 124]:SECONDS:"
  "--wait-all[wait for what the program leaves behind instead of killing it]"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_trace_defaults_added=0

_shtab_picobox_wsl_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--all[all]"
  "--exec[exec]"
  "--force[force]"
  "--list[list]"
  "--quiet[quiet]"
  "--running[running]"
  "--shutdown[shutdown]"
  "--status[status]"
  "--verbose[verbose]"
  "--version[version]"
  "--vhd[vhd]"
  "-e[e]"
  "-l[l]"
  "-q[q]"
  "-v[v]"
  "--export[export]:NAME:($(picobox instance list --quiet 2>/dev/null))"
  "--import[import]:FILE:_files"
  "--set-default[set-default]:NAME:($(picobox instance list --quiet 2>/dev/null))"
  "--set-default-version[set-default-version]:NAME:"
  "--set-version[set-version]:NAME:($(picobox instance list --quiet 2>/dev/null))"
  "--setdefault[setdefault]:NAME:($(picobox instance list --quiet 2>/dev/null))"
  "--terminate[terminate]:NAME:($(picobox instance list --quiet 2>/dev/null))"
  "--unregister[unregister]:NAME:($(picobox instance list --quiet 2>/dev/null))"
  "-s[s]:NAME:($(picobox instance list --quiet 2>/dev/null))"
  "-t[t]:NAME:($(picobox instance list --quiet 2>/dev/null))"
  "-d[distribution]:DISTRIBUTION:($(picobox instance list --quiet 2>/dev/null))"
  "--distribution[distribution]:DISTRIBUTION:($(picobox instance list --quiet 2>/dev/null))"
  "--distribution-id[distribution]:DISTRIBUTION:"
  "-u[user]:USER:"
  "--user[user]:USER:"
  "--cd[directory]:DIR:_files -/"
  "--shell-type[shell_type]:SHELL_TYPE:(standard login none)"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_wsl_defaults_added=0

_shtab_picobox_wslpath_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "-a[make it absolute]"
  "-u[from Windows to Linux, as without an option]"
  "-w[from Linux to Windows]"
  "-m[from Linux to Windows, with \/ instead of \\]"
  "*--drive[that drive is at the absolute path DIR]:LETTER=DIR:"
  ":the path:_files"
)

# guard to ensure default positional specs are added only once per session
_shtab_picobox_wslpath_defaults_added=0


_shtab_picobox() {
  local context state line curcontext="$curcontext" one_or_more='(*)' remainder='(-)*:' default='*::: :->picobox'

  # Add default positional/remainder specs only if none exist, and only once per session
  if (( ! _shtab_picobox_defaults_added )); then
    if (( ${_shtab_picobox_options[(I)${(q)one_or_more}*]} +          ${_shtab_picobox_options[(I)${(q)remainder}*]} +          ${_shtab_picobox_options[(I)${(q)default}]} == 0 )); then
      _shtab_picobox_options+=(': :_shtab_picobox_commands' '*::: :->picobox')
    fi
    _shtab_picobox_defaults_added=1
  fi
  _arguments -C -s $_shtab_picobox_options

  case $state in
    picobox)
      words=($line[1] "${words[@]}")
      (( CURRENT += 1 ))
      curcontext="${curcontext%:*:*}:_shtab_picobox-$line[1]:"
      case $line[1] in
        check) _arguments -C -s $_shtab_picobox_check_options ;;
        commit) _arguments -C -s $_shtab_picobox_commit_options ;;
        completion) _arguments -C -s $_shtab_picobox_completion_options ;;
        diff) _arguments -C -s $_shtab_picobox_diff_options ;;
        discard) _arguments -C -s $_shtab_picobox_discard_options ;;
        doctor) _arguments -C -s $_shtab_picobox_doctor_options ;;
        explain) _arguments -C -s $_shtab_picobox_explain_options ;;
        handles) _arguments -C -s $_shtab_picobox_handles_options ;;
        instance) _shtab_picobox_instance ;;
        learn) _arguments -C -s $_shtab_picobox_learn_options ;;
        locks) _arguments -C -s $_shtab_picobox_locks_options ;;
        names) _arguments -C -s $_shtab_picobox_names_options ;;
        objects) _arguments -C -s $_shtab_picobox_objects_options ;;
        policy) _shtab_picobox_policy ;;
        ps) _arguments -C -s $_shtab_picobox_ps_options ;;
        report) _arguments -C -s $_shtab_picobox_report_options ;;
        run) _arguments -C -s $_shtab_picobox_run_options ;;
        syscalls) _arguments -C -s $_shtab_picobox_syscalls_options ;;
        top) _arguments -C -s $_shtab_picobox_top_options ;;
        trace) _arguments -C -s $_shtab_picobox_trace_options ;;
        wsl) _arguments -C -s $_shtab_picobox_wsl_options ;;
        wslpath) _arguments -C -s $_shtab_picobox_wslpath_options ;;
      esac
  esac
}

_shtab_picobox_instance() {
  local context state line curcontext="$curcontext" one_or_more='(*)' remainder='(-)*:' default='*::: :->instance'

  # Add default positional/remainder specs only if none exist, and only once per session
  if (( ! _shtab_picobox_instance_defaults_added )); then
    if (( ${_shtab_picobox_instance_options[(I)${(q)one_or_more}*]} +          ${_shtab_picobox_instance_options[(I)${(q)remainder}*]} +          ${_shtab_picobox_instance_options[(I)${(q)default}]} == 0 )); then
      _shtab_picobox_instance_options+=(': :_shtab_picobox_instance_commands' '*::: :->instance')
    fi
    _shtab_picobox_instance_defaults_added=1
  fi
  _arguments -C -s $_shtab_picobox_instance_options

  case $state in
    instance)
      words=($line[1] "${words[@]}")
      (( CURRENT += 1 ))
      curcontext="${curcontext%:*:*}:_shtab_picobox_instance-$line[1]:"
      case $line[1] in
        clone) _arguments -C -s $_shtab_picobox_instance_clone_options ;;
        config) _arguments -C -s $_shtab_picobox_instance_config_options ;;
        export) _arguments -C -s $_shtab_picobox_instance_export_options ;;
        import) _arguments -C -s $_shtab_picobox_instance_import_options ;;
        list) _arguments -C -s $_shtab_picobox_instance_list_options ;;
        run) _arguments -C -s $_shtab_picobox_instance_run_options ;;
        set-default) _arguments -C -s $_shtab_picobox_instance_set_default_options ;;
        terminate) _arguments -C -s $_shtab_picobox_instance_terminate_options ;;
        unregister) _arguments -C -s $_shtab_picobox_instance_unregister_options ;;
      esac
  esac
}

_shtab_picobox_policy() {
  local context state line curcontext="$curcontext" one_or_more='(*)' remainder='(-)*:' default='*::: :->policy'

  # Add default positional/remainder specs only if none exist, and only once per session
  if (( ! _shtab_picobox_policy_defaults_added )); then
    if (( ${_shtab_picobox_policy_options[(I)${(q)one_or_more}*]} +          ${_shtab_picobox_policy_options[(I)${(q)remainder}*]} +          ${_shtab_picobox_policy_options[(I)${(q)default}]} == 0 )); then
      _shtab_picobox_policy_options+=(': :_shtab_picobox_policy_commands' '*::: :->policy')
    fi
    _shtab_picobox_policy_defaults_added=1
  fi
  _arguments -C -s $_shtab_picobox_policy_options

  case $state in
    policy)
      words=($line[1] "${words[@]}")
      (( CURRENT += 1 ))
      curcontext="${curcontext%:*:*}:_shtab_picobox_policy-$line[1]:"
      case $line[1] in
        check) _arguments -C -s $_shtab_picobox_policy_check_options ;;
        show) _arguments -C -s $_shtab_picobox_policy_show_options ;;
        trust) _arguments -C -s $_shtab_picobox_policy_trust_options ;;
      esac
  esac
}

# Custom Preamble
_picobox_policies() {
  _alternative 'names:policy:(strict default open)' 'files:file:_files'
}
# End Custom Preamble

_picobox_line() {
  local at=${words[(i)--]}
  if (( at < CURRENT )); then
    words=("${(@)words[at + 1, -1]}")
    (( CURRENT -= at ))
    _normal
  else
    _shtab_picobox "$@"
  fi
}

typeset -A opt_args

if [[ $zsh_eval_context[-1] == eval ]]; then
  # eval/source/. command, register function for later
  compdef _picobox_line picobox
else
  # autoload from fpath, call function directly
  _picobox_line "$@"
fi
