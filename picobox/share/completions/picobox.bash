# Completes picobox's command line. python -m tests.interface makes this file from the parsers.
_shtab_picobox_policy_subparsers=(show check trust)
_shtab_picobox_instance_subparsers=(import export clone list terminate set-default config unregister run)
_shtab_picobox_subparsers=(run check trace explain syscalls doctor wslpath names report policy learn diff commit discard instance wsl completion ps handles objects locks top)

_shtab_picobox_run_option_strings=(-h --help --version -q --quiet -v --verbose --color --report --unconfined --overlay --policy --read --write --hide --layer --network --limit --keep-env --unset-env --device --walls --nt-files --new-session --profile --platform --no-gate --no-fast --drive --share --windows-prefix --case --faithful -w --workdir -E --env --timeout --wait-all)
_shtab_picobox_check_option_strings=(-h --help --enforce --inject --handle-limit --shuffle-dirs --virus-scanner --fail-on --format -o --output --baseline --write-baseline --config --no-config -q --quiet -v --verbose --color --profile --platform --no-gate --no-fast --drive --share --windows-prefix --case --faithful -w --workdir -E --env --timeout --wait-all)
_shtab_picobox_trace_option_strings=(-h --help -o --output -c --summary-only --format -e --events -P --trace-path -z --successful-only -Z --failed-only --nt --status -q --quiet -v --verbose --color --policy --read --write --hide --layer --network --limit --keep-env --unset-env --device --walls --nt-files --new-session --profile --platform --no-gate --no-fast --drive --share --windows-prefix --case --faithful -w --workdir -E --env --timeout --wait-all)
_shtab_picobox_explain_option_strings=(-h --help --json --color)
_shtab_picobox_syscalls_option_strings=(-h --help --format --color)
_shtab_picobox_doctor_option_strings=(-h --help --json --color)
_shtab_picobox_wslpath_option_strings=(-h --help -a -u -w -m --drive)
_shtab_picobox_names_option_strings=(-h --help --profile --windows-prefix --git -0 --null --fail-on --format -o --output --baseline --write-baseline --config --no-config -q --quiet -v --verbose --color)
_shtab_picobox_report_option_strings=(-h --help --fail-on --format -o --output --baseline --write-baseline --config --no-config -q --quiet -v --verbose --color)
_shtab_picobox_policy_show_option_strings=(-h --help --format -a --all --color)
_shtab_picobox_policy_check_option_strings=(-h --help --format -a --all --color)
_shtab_picobox_policy_trust_option_strings=(-h --help --format -a --all --color)
_shtab_picobox_policy_option_strings=(-h --help)
_shtab_picobox_learn_option_strings=(-h --help -o --output --same-output -q --quiet -v --verbose --color --profile --platform --no-gate --no-fast --drive --share --windows-prefix --case --faithful -w --workdir -E --env --timeout --wait-all)
_shtab_picobox_diff_option_strings=(-h --help --patch --format)
_shtab_picobox_commit_option_strings=(-h --help --force -q --quiet -v --verbose)
_shtab_picobox_discard_option_strings=(-h --help)
_shtab_picobox_instance_import_option_strings=(-h --help --color)
_shtab_picobox_instance_export_option_strings=(-h --help --format --color)
_shtab_picobox_instance_clone_option_strings=(-h --help --directory --color)
_shtab_picobox_instance_list_option_strings=(-h --help -v --verbose -q --quiet --running --all --json --color)
_shtab_picobox_instance_terminate_option_strings=(-h --help --color)
_shtab_picobox_instance_set_default_option_strings=(-h --help --color)
_shtab_picobox_instance_config_option_strings=(-h --help --uid --env --drive --idle --nt-files --json --color)
_shtab_picobox_instance_unregister_option_strings=(-h --help --color)
_shtab_picobox_instance_run_option_strings=(-h --help -d --distribution -u --user --cd --exec)
_shtab_picobox_instance_option_strings=(-h --help)
_shtab_picobox_wsl_option_strings=(-h --help --all --exec --force --list --quiet --running --shutdown --status --verbose --version --vhd -e -l -q -v --export --import --set-default --set-default-version --set-version --setdefault --terminate --unregister -s -t -d --distribution --distribution-id -u --user --cd --shell-type)
_shtab_picobox_completion_option_strings=(-h --help)
_shtab_picobox_ps_option_strings=(-h --help --run --json --color)
_shtab_picobox_handles_option_strings=(-h --help -p --pid --run --json --color)
_shtab_picobox_objects_option_strings=(-h --help --run --json --color)
_shtab_picobox_locks_option_strings=(-h --help --run --json --color)
_shtab_picobox_top_option_strings=(-h --help --interval --count --run --json --color)
_shtab_picobox_option_strings=(-h --help --version -q --quiet -v --verbose --color --report --unconfined --overlay --policy --read --write --hide --layer --network --limit --keep-env --unset-env --device --walls --nt-files --new-session --profile --platform --no-gate --no-fast --drive --share --windows-prefix --case --faithful -w --workdir -E --env --timeout --wait-all)

_shtab_picobox_run___policy_COMPGEN=_picobox_policies
_shtab_picobox_run___read_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_run___write_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_run___hide_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_run___layer_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_run___device_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_run___windows_prefix_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_run__w_COMPGEN=_picobox__shtab_compgen_dirs
_shtab_picobox_run___workdir_COMPGEN=_picobox__shtab_compgen_dirs
_shtab_picobox_check__o_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_check___output_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_check___baseline_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_check___write_baseline_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_check___config_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_check___windows_prefix_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_check__w_COMPGEN=_picobox__shtab_compgen_dirs
_shtab_picobox_check___workdir_COMPGEN=_picobox__shtab_compgen_dirs
_shtab_picobox_trace__o_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_trace___output_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_trace__P_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_trace___trace_path_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_trace___policy_COMPGEN=_picobox_policies
_shtab_picobox_trace___read_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_trace___write_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_trace___hide_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_trace___layer_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_trace___device_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_trace___windows_prefix_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_trace__w_COMPGEN=_picobox__shtab_compgen_dirs
_shtab_picobox_trace___workdir_COMPGEN=_picobox__shtab_compgen_dirs
_shtab_picobox_wslpath_pos_0_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_names_pos_0_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_names___windows_prefix_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_names__o_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_names___output_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_names___baseline_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_names___write_baseline_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_names___config_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_report_pos_0_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_report__o_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_report___output_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_report___baseline_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_report___write_baseline_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_report___config_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_policy_show_pos_0_COMPGEN=_picobox_policies
_shtab_picobox_policy_check_pos_0_COMPGEN=_picobox_policies
_shtab_picobox_policy_trust_pos_0_COMPGEN=_picobox_policies
_shtab_picobox_learn__o_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_learn___output_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_learn___windows_prefix_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_learn__w_COMPGEN=_picobox__shtab_compgen_dirs
_shtab_picobox_learn___workdir_COMPGEN=_picobox__shtab_compgen_dirs
_shtab_picobox_instance_import_pos_1_COMPGEN=_picobox__shtab_compgen_dirs
_shtab_picobox_instance_import_pos_2_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_instance_export_pos_0_COMPGEN=_picobox__shtab_cmd_compgen_5df743af
_shtab_picobox_instance_export_pos_1_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_instance_clone_pos_0_COMPGEN=_picobox__shtab_cmd_compgen_5df743af
_shtab_picobox_instance_clone___directory_COMPGEN=_picobox__shtab_compgen_dirs
_shtab_picobox_instance_terminate_pos_0_COMPGEN=_picobox__shtab_cmd_compgen_5df743af
_shtab_picobox_instance_set_default_pos_0_COMPGEN=_picobox__shtab_cmd_compgen_5df743af
_shtab_picobox_instance_config_pos_0_COMPGEN=_picobox__shtab_cmd_compgen_5df743af
_shtab_picobox_instance_unregister_pos_0_COMPGEN=_picobox__shtab_cmd_compgen_5df743af
_shtab_picobox_instance_run__d_COMPGEN=_picobox__shtab_cmd_compgen_5df743af
_shtab_picobox_instance_run___distribution_COMPGEN=_picobox__shtab_cmd_compgen_5df743af
_shtab_picobox_instance_run___cd_COMPGEN=_picobox__shtab_compgen_dirs
_shtab_picobox_wsl___export_COMPGEN=_picobox__shtab_cmd_compgen_5df743af
_shtab_picobox_wsl___import_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox_wsl___set_default_COMPGEN=_picobox__shtab_cmd_compgen_5df743af
_shtab_picobox_wsl___set_version_COMPGEN=_picobox__shtab_cmd_compgen_5df743af
_shtab_picobox_wsl___setdefault_COMPGEN=_picobox__shtab_cmd_compgen_5df743af
_shtab_picobox_wsl___terminate_COMPGEN=_picobox__shtab_cmd_compgen_5df743af
_shtab_picobox_wsl___unregister_COMPGEN=_picobox__shtab_cmd_compgen_5df743af
_shtab_picobox_wsl__s_COMPGEN=_picobox__shtab_cmd_compgen_5df743af
_shtab_picobox_wsl__t_COMPGEN=_picobox__shtab_cmd_compgen_5df743af
_shtab_picobox_wsl__d_COMPGEN=_picobox__shtab_cmd_compgen_5df743af
_shtab_picobox_wsl___distribution_COMPGEN=_picobox__shtab_cmd_compgen_5df743af
_shtab_picobox_wsl___cd_COMPGEN=_picobox__shtab_compgen_dirs
_shtab_picobox_objects_pos_0_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox___policy_COMPGEN=_picobox_policies
_shtab_picobox___read_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox___write_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox___hide_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox___layer_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox___device_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox___windows_prefix_COMPGEN=_picobox__shtab_compgen_files
_shtab_picobox__w_COMPGEN=_picobox__shtab_compgen_dirs
_shtab_picobox___workdir_COMPGEN=_picobox__shtab_compgen_dirs

_shtab_picobox_run___color_choices=(auto always never)
_shtab_picobox_run___network_choices=(none loopback host)
_shtab_picobox_run___walls_choices=(auto no-namespaces)
_shtab_picobox_run___profile_choices=(linux nt wsl1 windows10 windows11)
_shtab_picobox_run___platform_choices=(trace reference)
_shtab_picobox_run___case_choices=(insensitive per-directory sensitive off dir force)
_shtab_picobox_run___faithful_choices=(all list locks truncate-mapped map-locked map-hint map-growsdown map-errno sigbus pagemap madvise mlock mlockall rlimit-fsize rlimit-as clone-flags wait-group robust-list personality clock-getres clock-nanosleep cpu-clock msg-errqueue iovec-count siocatmark raw-sockets fstatfs-pipe proc-sys pid-max proc-missing net-tun fs-flags unshare-user affinity rename-open-child rename-flags relink statfs-counts directory-links times-100ns readdir-dots cgroup2 statx aio memfd copy-file-range mincore mqueue msgqueue perf ldt numa file-handles keys fanotify vmsplice syncfs readahead remap-file-pages rr-interval sigqueueinfo preadv etxtbsy madvise-dontneed clone-vfork-vm ptrace-setregs ptrace-getregs commit seccomp)
_shtab_picobox_check___fail_on_choices=(note warning error never)
_shtab_picobox_check___format_choices=(text json sarif junit github html)
_shtab_picobox_check___color_choices=(auto always never)
_shtab_picobox_check___profile_choices=(windows10 windows11)
_shtab_picobox_check___platform_choices=(trace reference)
_shtab_picobox_check___case_choices=(insensitive per-directory sensitive off dir force)
_shtab_picobox_check___faithful_choices=(all list locks truncate-mapped map-locked map-hint map-growsdown map-errno sigbus pagemap madvise mlock mlockall rlimit-fsize rlimit-as clone-flags wait-group robust-list personality clock-getres clock-nanosleep cpu-clock msg-errqueue iovec-count siocatmark raw-sockets fstatfs-pipe proc-sys pid-max proc-missing net-tun fs-flags unshare-user affinity rename-open-child rename-flags relink statfs-counts directory-links times-100ns readdir-dots cgroup2 statx aio memfd copy-file-range mincore mqueue msgqueue perf ldt numa file-handles keys fanotify vmsplice syncfs readahead remap-file-pages rr-interval sigqueueinfo preadv etxtbsy madvise-dontneed clone-vfork-vm ptrace-setregs ptrace-getregs commit seccomp)
_shtab_picobox_trace___format_choices=(text jsonl chrome)
_shtab_picobox_trace___color_choices=(auto always never)
_shtab_picobox_trace___network_choices=(none loopback host)
_shtab_picobox_trace___walls_choices=(auto no-namespaces)
_shtab_picobox_trace___profile_choices=(linux nt wsl1 windows10 windows11)
_shtab_picobox_trace___platform_choices=(trace reference)
_shtab_picobox_trace___case_choices=(insensitive per-directory sensitive off dir force)
_shtab_picobox_trace___faithful_choices=(all list locks truncate-mapped map-locked map-hint map-growsdown map-errno sigbus pagemap madvise mlock mlockall rlimit-fsize rlimit-as clone-flags wait-group robust-list personality clock-getres clock-nanosleep cpu-clock msg-errqueue iovec-count siocatmark raw-sockets fstatfs-pipe proc-sys pid-max proc-missing net-tun fs-flags unshare-user affinity rename-open-child rename-flags relink statfs-counts directory-links times-100ns readdir-dots cgroup2 statx aio memfd copy-file-range mincore mqueue msgqueue perf ldt numa file-handles keys fanotify vmsplice syncfs readahead remap-file-pages rr-interval sigqueueinfo preadv etxtbsy madvise-dontneed clone-vfork-vm ptrace-setregs ptrace-getregs commit seccomp)
_shtab_picobox_explain___color_choices=(auto always never)
_shtab_picobox_syscalls___format_choices=(table json md)
_shtab_picobox_syscalls___color_choices=(auto always never)
_shtab_picobox_doctor___color_choices=(auto always never)
_shtab_picobox_names___profile_choices=(windows10 windows11)
_shtab_picobox_names___fail_on_choices=(note warning error never)
_shtab_picobox_names___format_choices=(text json sarif junit github html)
_shtab_picobox_names___color_choices=(auto always never)
_shtab_picobox_report___fail_on_choices=(note warning error never)
_shtab_picobox_report___format_choices=(text json sarif junit github html)
_shtab_picobox_report___color_choices=(auto always never)
_shtab_picobox_policy_show___format_choices=(text toml json)
_shtab_picobox_policy_show___color_choices=(auto always never)
_shtab_picobox_policy_check___format_choices=(text toml json)
_shtab_picobox_policy_check___color_choices=(auto always never)
_shtab_picobox_policy_trust___format_choices=(text toml json)
_shtab_picobox_policy_trust___color_choices=(auto always never)
_shtab_picobox_policy_pos_0_choices=(show check trust)
_shtab_picobox_learn___color_choices=(auto always never)
_shtab_picobox_learn___profile_choices=(linux nt wsl1 windows10 windows11)
_shtab_picobox_learn___platform_choices=(trace reference)
_shtab_picobox_learn___case_choices=(insensitive per-directory sensitive off dir force)
_shtab_picobox_learn___faithful_choices=(all list locks truncate-mapped map-locked map-hint map-growsdown map-errno sigbus pagemap madvise mlock mlockall rlimit-fsize rlimit-as clone-flags wait-group robust-list personality clock-getres clock-nanosleep cpu-clock msg-errqueue iovec-count siocatmark raw-sockets fstatfs-pipe proc-sys pid-max proc-missing net-tun fs-flags unshare-user affinity rename-open-child rename-flags relink statfs-counts directory-links times-100ns readdir-dots cgroup2 statx aio memfd copy-file-range mincore mqueue msgqueue perf ldt numa file-handles keys fanotify vmsplice syncfs readahead remap-file-pages rr-interval sigqueueinfo preadv etxtbsy madvise-dontneed clone-vfork-vm ptrace-setregs ptrace-getregs commit seccomp)
_shtab_picobox_diff___format_choices=(text json)
_shtab_picobox_instance_import___color_choices=(auto always never)
_shtab_picobox_instance_export___format_choices=(tar tar.gz tar.bz2 tar.xz tar.zst)
_shtab_picobox_instance_export___color_choices=(auto always never)
_shtab_picobox_instance_clone___color_choices=(auto always never)
_shtab_picobox_instance_list___color_choices=(auto always never)
_shtab_picobox_instance_terminate___color_choices=(auto always never)
_shtab_picobox_instance_set_default___color_choices=(auto always never)
_shtab_picobox_instance_config___nt_files_choices=(off on)
_shtab_picobox_instance_config___color_choices=(auto always never)
_shtab_picobox_instance_unregister___color_choices=(auto always never)
_shtab_picobox_instance_pos_0_choices=(import export clone list terminate set-default config unregister run)
_shtab_picobox_wsl___shell_type_choices=(standard login none)
_shtab_picobox_completion_pos_0_choices=(bash zsh fish)
_shtab_picobox_ps___color_choices=(auto always never)
_shtab_picobox_handles___color_choices=(auto always never)
_shtab_picobox_objects___color_choices=(auto always never)
_shtab_picobox_locks___color_choices=(auto always never)
_shtab_picobox_top___color_choices=(auto always never)
_shtab_picobox_pos_0_choices=(run check trace explain syscalls doctor wslpath names report policy learn diff commit discard instance wsl completion ps handles objects locks top)
_shtab_picobox___color_choices=(auto always never)
_shtab_picobox___network_choices=(none loopback host)
_shtab_picobox___walls_choices=(auto no-namespaces)
_shtab_picobox___profile_choices=(linux nt wsl1 windows10 windows11)
_shtab_picobox___platform_choices=(trace reference)
_shtab_picobox___case_choices=(insensitive per-directory sensitive off dir force)
_shtab_picobox___faithful_choices=(all list locks truncate-mapped map-locked map-hint map-growsdown map-errno sigbus pagemap madvise mlock mlockall rlimit-fsize rlimit-as clone-flags wait-group robust-list personality clock-getres clock-nanosleep cpu-clock msg-errqueue iovec-count siocatmark raw-sockets fstatfs-pipe proc-sys pid-max proc-missing net-tun fs-flags unshare-user affinity rename-open-child rename-flags relink statfs-counts directory-links times-100ns readdir-dots cgroup2 statx aio memfd copy-file-range mincore mqueue msgqueue perf ldt numa file-handles keys fanotify vmsplice syncfs readahead remap-file-pages rr-interval sigqueueinfo preadv etxtbsy madvise-dontneed clone-vfork-vm ptrace-setregs ptrace-getregs commit seccomp)

_shtab_picobox_run__h_nargs=0
_shtab_picobox_run___help_nargs=0
_shtab_picobox_run___version_nargs=0
_shtab_picobox_run__q_nargs=0
_shtab_picobox_run___quiet_nargs=0
_shtab_picobox_run__v_nargs=0
_shtab_picobox_run___verbose_nargs=0
_shtab_picobox_run___report_nargs=0
_shtab_picobox_run___unconfined_nargs=0
_shtab_picobox_run___overlay_nargs='?'
_shtab_picobox_run___nt_files_nargs=0
_shtab_picobox_run___new_session_nargs=0
_shtab_picobox_run___no_gate_nargs=0
_shtab_picobox_run___no_fast_nargs=0
_shtab_picobox_run___wait_all_nargs=0
_shtab_picobox_check__h_nargs=0
_shtab_picobox_check___help_nargs=0
_shtab_picobox_check___enforce_nargs=0
_shtab_picobox_check___shuffle_dirs_nargs='?'
_shtab_picobox_check___virus_scanner_nargs='?'
_shtab_picobox_check___no_config_nargs=0
_shtab_picobox_check__q_nargs=0
_shtab_picobox_check___quiet_nargs=0
_shtab_picobox_check__v_nargs=0
_shtab_picobox_check___verbose_nargs=0
_shtab_picobox_check___no_gate_nargs=0
_shtab_picobox_check___no_fast_nargs=0
_shtab_picobox_check___wait_all_nargs=0
_shtab_picobox_trace__h_nargs=0
_shtab_picobox_trace___help_nargs=0
_shtab_picobox_trace__c_nargs=0
_shtab_picobox_trace___summary_only_nargs=0
_shtab_picobox_trace__z_nargs=0
_shtab_picobox_trace___successful_only_nargs=0
_shtab_picobox_trace__Z_nargs=0
_shtab_picobox_trace___failed_only_nargs=0
_shtab_picobox_trace__q_nargs=0
_shtab_picobox_trace___quiet_nargs=0
_shtab_picobox_trace__v_nargs=0
_shtab_picobox_trace___verbose_nargs=0
_shtab_picobox_trace___nt_files_nargs=0
_shtab_picobox_trace___new_session_nargs=0
_shtab_picobox_trace___no_gate_nargs=0
_shtab_picobox_trace___no_fast_nargs=0
_shtab_picobox_trace___wait_all_nargs=0
_shtab_picobox_explain__h_nargs=0
_shtab_picobox_explain___help_nargs=0
_shtab_picobox_explain___json_nargs=0
_shtab_picobox_syscalls_pos_0_nargs='*'
_shtab_picobox_syscalls__h_nargs=0
_shtab_picobox_syscalls___help_nargs=0
_shtab_picobox_doctor__h_nargs=0
_shtab_picobox_doctor___help_nargs=0
_shtab_picobox_doctor___json_nargs=0
_shtab_picobox_wslpath__h_nargs=0
_shtab_picobox_wslpath___help_nargs=0
_shtab_picobox_wslpath__a_nargs=0
_shtab_picobox_wslpath__u_nargs=0
_shtab_picobox_wslpath__w_nargs=0
_shtab_picobox_wslpath__m_nargs=0
_shtab_picobox_names_pos_0_nargs='*'
_shtab_picobox_names__h_nargs=0
_shtab_picobox_names___help_nargs=0
_shtab_picobox_names___git_nargs=0
_shtab_picobox_names__0_nargs=0
_shtab_picobox_names___null_nargs=0
_shtab_picobox_names___no_config_nargs=0
_shtab_picobox_names__q_nargs=0
_shtab_picobox_names___quiet_nargs=0
_shtab_picobox_names__v_nargs=0
_shtab_picobox_names___verbose_nargs=0
_shtab_picobox_report_pos_0_nargs=+
_shtab_picobox_report__h_nargs=0
_shtab_picobox_report___help_nargs=0
_shtab_picobox_report___no_config_nargs=0
_shtab_picobox_report__q_nargs=0
_shtab_picobox_report___quiet_nargs=0
_shtab_picobox_report__v_nargs=0
_shtab_picobox_report___verbose_nargs=0
_shtab_picobox_policy_show__h_nargs=0
_shtab_picobox_policy_show___help_nargs=0
_shtab_picobox_policy_show__a_nargs=0
_shtab_picobox_policy_show___all_nargs=0
_shtab_picobox_policy_check__h_nargs=0
_shtab_picobox_policy_check___help_nargs=0
_shtab_picobox_policy_check__a_nargs=0
_shtab_picobox_policy_check___all_nargs=0
_shtab_picobox_policy_trust__h_nargs=0
_shtab_picobox_policy_trust___help_nargs=0
_shtab_picobox_policy_trust__a_nargs=0
_shtab_picobox_policy_trust___all_nargs=0
_shtab_picobox_policy_pos_0_nargs=A...
_shtab_picobox_policy__h_nargs=0
_shtab_picobox_policy___help_nargs=0
_shtab_picobox_learn__h_nargs=0
_shtab_picobox_learn___help_nargs=0
_shtab_picobox_learn___same_output_nargs=0
_shtab_picobox_learn__q_nargs=0
_shtab_picobox_learn___quiet_nargs=0
_shtab_picobox_learn__v_nargs=0
_shtab_picobox_learn___verbose_nargs=0
_shtab_picobox_learn___no_gate_nargs=0
_shtab_picobox_learn___no_fast_nargs=0
_shtab_picobox_learn___wait_all_nargs=0
_shtab_picobox_diff__h_nargs=0
_shtab_picobox_diff___help_nargs=0
_shtab_picobox_diff___patch_nargs=0
_shtab_picobox_commit__h_nargs=0
_shtab_picobox_commit___help_nargs=0
_shtab_picobox_commit___force_nargs=0
_shtab_picobox_commit__q_nargs=0
_shtab_picobox_commit___quiet_nargs=0
_shtab_picobox_commit__v_nargs=0
_shtab_picobox_commit___verbose_nargs=0
_shtab_picobox_discard__h_nargs=0
_shtab_picobox_discard___help_nargs=0
_shtab_picobox_instance_import__h_nargs=0
_shtab_picobox_instance_import___help_nargs=0
_shtab_picobox_instance_export__h_nargs=0
_shtab_picobox_instance_export___help_nargs=0
_shtab_picobox_instance_clone__h_nargs=0
_shtab_picobox_instance_clone___help_nargs=0
_shtab_picobox_instance_list__h_nargs=0
_shtab_picobox_instance_list___help_nargs=0
_shtab_picobox_instance_list__v_nargs=0
_shtab_picobox_instance_list___verbose_nargs=0
_shtab_picobox_instance_list__q_nargs=0
_shtab_picobox_instance_list___quiet_nargs=0
_shtab_picobox_instance_list___running_nargs=0
_shtab_picobox_instance_list___all_nargs=0
_shtab_picobox_instance_list___json_nargs=0
_shtab_picobox_instance_terminate__h_nargs=0
_shtab_picobox_instance_terminate___help_nargs=0
_shtab_picobox_instance_set_default__h_nargs=0
_shtab_picobox_instance_set_default___help_nargs=0
_shtab_picobox_instance_config__h_nargs=0
_shtab_picobox_instance_config___help_nargs=0
_shtab_picobox_instance_config___json_nargs=0
_shtab_picobox_instance_unregister__h_nargs=0
_shtab_picobox_instance_unregister___help_nargs=0
_shtab_picobox_instance_run__h_nargs=0
_shtab_picobox_instance_run___help_nargs=0
_shtab_picobox_instance_run___exec_nargs=0
_shtab_picobox_instance_pos_0_nargs=A...
_shtab_picobox_instance__h_nargs=0
_shtab_picobox_instance___help_nargs=0
_shtab_picobox_wsl__h_nargs=0
_shtab_picobox_wsl___help_nargs=0
_shtab_picobox_wsl___all_nargs=0
_shtab_picobox_wsl___exec_nargs=0
_shtab_picobox_wsl___force_nargs=0
_shtab_picobox_wsl___list_nargs=0
_shtab_picobox_wsl___quiet_nargs=0
_shtab_picobox_wsl___running_nargs=0
_shtab_picobox_wsl___shutdown_nargs=0
_shtab_picobox_wsl___status_nargs=0
_shtab_picobox_wsl___verbose_nargs=0
_shtab_picobox_wsl___version_nargs=0
_shtab_picobox_wsl___vhd_nargs=0
_shtab_picobox_wsl__e_nargs=0
_shtab_picobox_wsl__l_nargs=0
_shtab_picobox_wsl__q_nargs=0
_shtab_picobox_wsl__v_nargs=0
_shtab_picobox_completion__h_nargs=0
_shtab_picobox_completion___help_nargs=0
_shtab_picobox_ps__h_nargs=0
_shtab_picobox_ps___help_nargs=0
_shtab_picobox_ps___json_nargs=0
_shtab_picobox_handles__h_nargs=0
_shtab_picobox_handles___help_nargs=0
_shtab_picobox_handles___json_nargs=0
_shtab_picobox_objects__h_nargs=0
_shtab_picobox_objects___help_nargs=0
_shtab_picobox_objects___json_nargs=0
_shtab_picobox_locks__h_nargs=0
_shtab_picobox_locks___help_nargs=0
_shtab_picobox_locks___json_nargs=0
_shtab_picobox_top__h_nargs=0
_shtab_picobox_top___help_nargs=0
_shtab_picobox_top___json_nargs=0
_shtab_picobox_pos_0_nargs=A...
_shtab_picobox__h_nargs=0
_shtab_picobox___help_nargs=0
_shtab_picobox___version_nargs=0
_shtab_picobox__q_nargs=0
_shtab_picobox___quiet_nargs=0
_shtab_picobox__v_nargs=0
_shtab_picobox___verbose_nargs=0
_shtab_picobox___report_nargs=0
_shtab_picobox___unconfined_nargs=0
_shtab_picobox___overlay_nargs='?'
_shtab_picobox___nt_files_nargs=0
_shtab_picobox___new_session_nargs=0
_shtab_picobox___no_gate_nargs=0
_shtab_picobox___no_fast_nargs=0
_shtab_picobox___wait_all_nargs=0


# Custom Preamble
_picobox_policies() {
  compgen -W "strict default open" -- "$1"
  compgen -f -- "$1"
}

# $1=COMP_WORDS[1]
_picobox__shtab_cmd_compgen_5df743af() {
  compgen -W "$(picobox instance list --quiet 2>/dev/null)" -- $1
}
# End Custom Preamble

# $1=COMP_WORDS[1]
_picobox__shtab_compgen_files() {
  compgen -f -- $1  # files
}

# $1=COMP_WORDS[1]
_picobox__shtab_compgen_dirs() {
  compgen -d -- $1  # recurse into subdirs
}

# $1=COMP_WORDS[1]
_picobox__shtab_replace_nonword() {
  echo "${1//[^[:word:]]/_}"
}

# set default values (called for the initial parser & any subparsers)
_picobox__set_parser_defaults() {
  local subparsers_var="${prefix}_subparsers[@]"
  sub_parsers=${!subparsers_var-}

  local current_option_strings_var="${prefix}_option_strings[@]"
  current_option_strings=${!current_option_strings_var}

  completed_positional_actions=0

  _picobox__set_new_action "pos_$completed_positional_actions" true
}

# $1=action identifier
# $2=positional action (bool)
# set all identifiers for an action's parameters
_picobox__set_new_action() {
  current_action="${prefix}_$(_picobox__shtab_replace_nonword $1)"

  local current_action_compgen_var=${current_action}_COMPGEN
  current_action_compgen="${!current_action_compgen_var-}"

  local current_action_choices_var="${current_action}_choices[@]"
  current_action_choices="${!current_action_choices_var-}"

  local current_action_nargs_var="${current_action}_nargs"
  if [ -n "${!current_action_nargs_var-}" ]; then
    current_action_nargs="${!current_action_nargs_var}"
  else
    current_action_nargs=1
  fi

  current_action_args_start_index=$(( $word_index + 1 - $pos_only ))

  current_action_is_positional=$2
}

# Notes:
# `COMPREPLY`: what will be rendered after completion is triggered
# `completing_word`: currently typed word to generate completions for
# `${!var}`: evaluates the content of `var` and expand its content as a variable
#     hello="world"
#     x="hello"
#     ${!x} -> ${hello} -> "world"
_shtab_picobox() {
  local completing_word="${COMP_WORDS[COMP_CWORD]}"
  local previous_word="${COMP_WORDS[COMP_CWORD-1]}"
  local completed_positional_actions
  local current_action
  local current_action_args_start_index
  local current_action_choices
  local current_action_compgen
  local current_action_is_positional
  local current_action_nargs
  local current_option_strings
  local sub_parsers
  COMPREPLY=()

  local prefix=_shtab_picobox
  local word_index=0
  local pos_only=0 # "--" delimiter not encountered yet
  _picobox__set_parser_defaults
  word_index=1

  # determine what arguments are appropriate for the current state
  # of the arg parser
  while [ $word_index -ne $COMP_CWORD ]; do
    local this_word="${COMP_WORDS[$word_index]}"

    if [[ $pos_only = 1 || " $this_word " != " -- " ]]; then
      if [[ -n $sub_parsers && " ${sub_parsers[@]} " == *" $this_word "* ]]; then
        # valid subcommand: add it to the prefix & reset the current action
        prefix="${prefix}_$(_picobox__shtab_replace_nonword $this_word)"
        _picobox__set_parser_defaults
      fi

      if [[ " ${current_option_strings[@]} " == *" $this_word "* ]]; then
        # a new action should be acquired (due to recognised option string or
        # no more input expected from current action);
        # the next positional action can fill in here
        _picobox__set_new_action $this_word false
      fi

      if [[ "$current_action_nargs" != "*" ]] && \
         [[ "$current_action_nargs" != "+" ]] && \
         [[ "$current_action_nargs" != "?" ]] && \
         [[ "$current_action_nargs" != *"..." ]] && \
         (( $word_index + 1 - $current_action_args_start_index - $pos_only >= \
            $current_action_nargs )); then
        $current_action_is_positional && let "completed_positional_actions += 1"
        _picobox__set_new_action "pos_$completed_positional_actions" true
      fi
    else
      pos_only=1 # "--" delimiter encountered
    fi

    let "word_index+=1"
  done

  # Generate the completions

  COMPREPLY=()
  if [[ $pos_only = 0 && "$completing_word" == -* &&
        ( -z "$current_action_compgen" || "$current_action_is_positional" = true ) ]]; then
    # optional argument started: use option strings
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(
      compgen -W "${current_option_strings[*]}" -- "$completing_word")
  elif [[ "$previous_word" =~ ^[0-9\&]*[\<\>]\>?$ ]]; then
    # handle redirection operators
    compopt -o filenames 2>/dev/null || : # bash>=4
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$completing_word")
  else
    # use choices & compgen
    local action_compgen_word="$completing_word"
    # handle tab-completing in the middle of a line (#248 <- #116)
    [[ -n "$current_action_compgen" && "$completing_word" == -* ]] && action_compgen_word=""
    [ -n "$current_action_compgen" ] && {
      [[ "$current_action_compgen" =~ _(file|dir|glob|FILE|DIR|GLOB)|File|Dir|Glob ]] &&
        compopt -o filenames 2>/dev/null || : # bash>=4
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(
        "$current_action_compgen" "$action_compgen_word")
    }
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(
      compgen -W "${current_action_choices[*]}" -- "$completing_word")
  fi

  if [[ ${#COMPREPLY[@]} = 0 ]]; then
    # native fallback matches are not necessarily filenames (e.g. variables)
    compopt +o filenames 2>/dev/null || : # bash>=4
  fi

  return 0
}


_picobox_command() {
  local first=$1
  if declare -F _comp_command_offset >/dev/null; then
    _comp_command_offset "$first"
  elif declare -F _command_offset >/dev/null; then
    _command_offset "$first"
  elif ((COMP_CWORD == first)); then
    mapfile -t COMPREPLY < <(compgen -c -- "${COMP_WORDS[COMP_CWORD]}")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
  fi
}

_picobox() {
  local at
  for ((at = 1; at < COMP_CWORD; at++)); do
    if [[ ${COMP_WORDS[at]} == -- ]]; then
      _picobox_command $((at + 1))
      return
    fi
  done
  _shtab_picobox
}

complete -o bashdefault -F _picobox picobox
