"""Owns the list of what lies in homes and in the system that no program needs to see, as keys, tokens and histories."""

from __future__ import annotations

from typing import NamedTuple


class Secret(NamedTuple):
    """Files that belong together; lists are separated by spaces.

    what: for reports. paths: below a home with `~/`, or absolute; the last component may be a pattern. source: where
    documents of the programs name them. variables: those of the environment that may tell other paths for them.
    """

    what: str
    paths: str
    source: str
    variables: str = ""


# `~/.config`, `~/.local/share`, `~/.local/state` and `~/.cache` also stand for what XDG's variables name.
SECRETS = (
    # Keys and passwords.
    Secret(
        "ssh keys",
        "~/.ssh ~/.shosts ~/.rhosts ~/.putty",
        "ssh(1), FILES; PuTTY's manual, section 4.32",
    ),
    Secret(
        "GnuPG keys",
        "~/.gnupg",
        "gpg(1), FILES",
        "GNUPGHOME",
    ),
    Secret(
        "age and sops keys",
        "~/.config/sops ~/.config/age",
        "sops, README",
        "SOPS_AGE_KEY_FILE",
    ),
    Secret(
        "certificates and their keys",
        "~/.pki ~/.cert",
        "NSS Shared DB; NetworkManager-openvpn",
    ),
    Secret(
        "passwords of pass",
        "~/.password-store",
        "pass(1), FILES",
        "PASSWORD_STORE_DIR",
    ),
    Secret(
        "keyrings",
        "~/.local/share/keyrings ~/.gnome2/keyrings ~/.local/share/kwalletd ~/.kde/share/apps/kwallet",
        "gnome-keyring-daemon(1); KWallet handbook",
    ),
    Secret(
        "password managers",
        "~/.config/1Password ~/.config/op ~/.op ~/.config/keepassxc ~/.cache/keepassxc ~/.config/KeePass "
        "~/.lastpass ~/.config/rbw ~/.local/share/rbw ~/.config/Bitwarden*",
        "each program's documents",
    ),
    Secret(
        "Kerberos tickets",
        "~/.k5login ~/.k5identity ~/.config/krb5",
        "kerberos(7)",
        "KRB5_KTNAME",
    ),
    # Clouds and clusters.
    Secret(
        "AWS",
        "~/.aws",
        "AWS CLI: Configuration and credential file settings",
        "AWS_SHARED_CREDENTIALS_FILE AWS_CONFIG_FILE AWS_WEB_IDENTITY_TOKEN_FILE",
    ),
    Secret(
        "Google Cloud",
        "~/.config/gcloud ~/.boto ~/.gsutil",
        "gcloud topic configurations; gsutil config",
        "CLOUDSDK_CONFIG GOOGLE_APPLICATION_CREDENTIALS BOTO_CONFIG",
    ),
    Secret(
        "Azure",
        "~/.azure ~/.config/azure",
        "Azure CLI: configuration",
        "AZURE_CONFIG_DIR",
    ),
    Secret(
        "other clouds",
        "~/.oci ~/.aliyun ~/.tccli ~/.bluemix ~/.config/doctl ~/.config/hcloud ~/.config/linode-cli ~/.config/scw "
        "~/.config/flyctl ~/.fly ~/.config/exoscale ~/.config/ibmcloud ~/.ovh.conf ~/.config/openstack "
        "~/.config/vultr-cli.yaml ~/.vultr-cli.yaml",
        "each program's documents",
        "OCI_CLI_CONFIG_FILE FLY_CONFIG_DIR",
    ),
    Secret(
        "hosting services",
        "~/.config/heroku ~/.config/netlify ~/.netlify ~/.config/vercel ~/.local/share/com.vercel.cli "
        "~/.config/configstore ~/.config/firebase ~/.wrangler ~/.config/.wrangler ~/.config/ngrok ~/.ngrok2 "
        "~/.config/stripe ~/.sentryclirc ~/.railway ~/.supabase ~/.cloudflared",
        "each program's documents",
    ),
    Secret(
        "object stores",
        "~/.s3cfg ~/.mc ~/.config/rclone ~/.rclone.conf",
        "s3cmd, mc, rclone(1)",
        "RCLONE_CONFIG",
    ),
    Secret(
        "Kubernetes",
        "~/.kube ~/.minikube ~/.config/helm/registry",
        "kubectl: organizing cluster access",
        "KUBECONFIG",
    ),
    Secret(
        "registries of containers",
        "~/.docker/config.json ~/.docker/contexts ~/.config/containers/auth.json ~/.dockercfg",
        "docker login; containers-auth.json(5)",
        "DOCKER_CONFIG REGISTRY_AUTH_FILE",
    ),
    Secret(
        "container engines",
        "~/.docker/run ~/.docker/desktop ~/.colima ~/.lima",
        "a socket there runs programs outside: Docker Desktop, Lima",
    ),
    Secret(
        "infrastructure",
        "~/.terraform.d/credentials.tfrc.json ~/.terraformrc ~/.pulumi/credentials.json ~/.vault-token "
        "~/.config/nomad ~/.ansible/vault* ~/.vault_pass* ~/.chef ~/.puppetlabs ~/.salt ~/.config/sops",
        "terraform login; pulumi login; vault login; ansible-vault",
        "TF_CLI_CONFIG_FILE ANSIBLE_VAULT_PASSWORD_FILE",
    ),
    # Tokens of tools that developers use.
    Secret(
        "netrc",
        "~/.netrc ~/_netrc ~/.authinfo ~/.authinfo.gpg",
        "netrc(5); Emacs auth-source",
        "NETRC",
    ),
    Secret(
        "git",
        "~/.git-credentials ~/.config/git/credentials ~/.git-credential-cache ~/.cache/git/credential",
        "git-credential-store(1), git-credential-cache(1)",
    ),
    Secret(
        "forges",
        "~/.config/gh ~/.config/hub ~/.config/glab-cli ~/.config/tea ~/.config/lab.toml",
        "gh help environment; hub(1); glab, tea",
        "GH_CONFIG_DIR HUB_CONFIG GLAB_CONFIG_DIR",
    ),
    Secret(
        "npm",
        "~/.npmrc ~/.yarnrc ~/.yarnrc.yml ~/.bunfig.toml",
        "npmrc(5); Yarn: npmAuthToken",
        "NPM_CONFIG_USERCONFIG npm_config_userconfig",
    ),
    Secret(
        "Python's index",
        "~/.pypirc ~/.config/pypoetry/auth.toml ~/.config/pip ~/.pip ~/.local/share/uv/credentials ~/.config/hatch "
        "~/.local/share/hatch ~/.condarc ~/.continuum",
        "packaging.python.org: the .pypirc file; poetry config; pip: authentication",
        "PIP_CONFIG_FILE",
    ),
    Secret(
        "Rust's index",
        "~/.cargo/credentials ~/.cargo/credentials.toml",
        "The Cargo Book: credentials",
    ),
    Secret(
        "Ruby's index",
        "~/.gem/credentials ~/.local/share/gem/credentials ~/.bundle/config",
        "gem help signin; bundle-config(1)",
    ),
    Secret(
        "Java's repositories",
        "~/.m2/settings.xml ~/.m2/settings-security.xml ~/.gradle/gradle.properties ~/.gradle/init.d "
        "~/.sbt/.credentials ~/.ivy2/.credentials",
        "Maven: settings reference; Gradle: build environment; sbt: publishing",
    ),
    Secret(
        "NuGet",
        "~/.nuget/NuGet ~/.config/NuGet",
        "NuGet: nuget.config reference",
    ),
    Secret(
        "Composer",
        "~/.composer/auth.json ~/.config/composer/auth.json",
        "Composer: http-basic",
    ),
    Secret(
        "other indexes",
        "~/.hex ~/.config/pub-tokens.json ~/.config/dart/pub-tokens.json ~/.clojars ~/.conan/.conan.db "
        "~/.conan2/.conan.db ~/.opam/.netrc",
        "mix hex.user; dart pub token; conan user",
    ),
    Secret(
        "models and assistants",
        "~/.huggingface ~/.cache/huggingface/token ~/.cache/huggingface/stored_tokens ~/.kaggle "
        "~/.config/github-copilot ~/.claude ~/.claude.json ~/.codex ~/.gemini ~/.config/openai ~/.openai "
        "~/.anthropic ~/.config/anthropic ~/.cursor ~/.config/wandb ~/.replicate",
        "each program's documents",
        "HF_TOKEN_PATH KAGGLE_CONFIG_DIR CLAUDE_CONFIG_DIR CODEX_HOME",
    ),
    # Other machines, mail, money.
    Secret(
        "databases",
        "~/.pgpass ~/.pg_service.conf ~/.my.cnf ~/.mylogin.cnf ~/.config/mongodb ~/.snowsql ~/.dbt",
        "libpq: the password file; MySQL: option files",
        "PGPASSFILE PGSERVICEFILE",
    ),
    Secret(
        "file transfer",
        "~/.config/filezilla ~/.filezilla ~/.local/share/remmina ~/.config/remmina ~/.vnc ~/.smbcredentials "
        "~/.davfs2 ~/.config/lftp ~/.lftprc ~/.ncftp",
        "each program's documents",
    ),
    Secret(
        "mail",
        "~/.fetchmailrc ~/.msmtprc ~/.config/msmtp ~/.mbsyncrc ~/.offlineimaprc ~/.muttrc ~/.config/mutt ~/.mutt "
        "~/.mail ~/Mail ~/Maildir ~/.config/evolution ~/.local/share/evolution ~/.thunderbird ~/.config/neomutt",
        "each program's manual",
    ),
    Secret(
        "displays",
        "~/.Xauthority ~/.ICEauthority",
        "xauth(1); iceauth(1)",
        "XAUTHORITY ICEAUTHORITY",
    ),
    Secret(
        "wallets",
        "~/.bitcoin ~/.litecoin ~/.ethereum ~/.electrum ~/.config/solana ~/.near-credentials ~/.monero "
        "~/.foundry/keystores ~/.config/Exodus ~/.config/Ledger*",
        "each program's documents",
    ),
    # What people do and say.
    Secret(
        "profiles of browsers",
        "~/.mozilla ~/.config/mozilla ~/.librewolf ~/.waterfox ~/.config/google-chrome* ~/.config/chromium* "
        "~/.config/BraveSoftware ~/.config/microsoft-edge* ~/.config/opera* ~/.config/vivaldi* "
        "~/.config/qutebrowser ~/.local/share/qutebrowser ~/.local/share/epiphany ~/.config/epiphany "
        "~/.local/share/torbrowser ~/.cache/mozilla ~/.cache/google-chrome* ~/.cache/chromium* ~/snap ~/.var/app",
        "Firefox: profiles; Chromium: user data directory; snap and flatpak keep them elsewhere",
    ),
    Secret(
        "messengers",
        "~/.config/Slack ~/.config/discord ~/.config/Signal ~/.config/Element ~/.config/teams* "
        "~/.local/share/TelegramDesktop ~/.config/WhatsApp* ~/.purple ~/.config/weechat ~/.weechat ~/.irssi "
        "~/.config/Zulip ~/.zoom",
        "each program's documents",
    ),
    Secret(
        "histories",
        "~/.*history ~/.histfile ~/.local/share/fish/fish_history ~/.lesshst ~/.viminfo ~/.local/state/*hist* "
        "~/.local/state/nvim ~/.local/share/atuin ~/.local/share/recently-used.xbel ~/.cache/shell-history "
        "~/.local/share/nushell ~/.config/nushell/history.txt ~/.local/state/bash",
        "HISTFILE of bash(1) and zshparam(1); history of fish; less(1); vim: viminfo",
        "HISTFILE LESSHISTFILE",
    ),
    # The system's, for a guest whose user is root: what only root may read is then its to read.
    Secret(
        "passwords of the system",
        "/etc/shadow* /etc/gshadow* /etc/security/opasswd /etc/sudoers* /var/backups",
        "shadow(5), gshadow(5), pam_unix(8), sudoers(5)",
    ),
    Secret(
        "keys of the system",
        "/etc/ssh/ssh_host_*_key /etc/ssl/private /etc/pki/tls/private /etc/pki/private /etc/letsencrypt "
        "/etc/krb5.keytab /etc/ipsec.secrets /etc/ipsec.d/private /etc/swanctl /etc/wireguard /etc/openvpn "
        "/etc/ppp/*-secrets /etc/luks /etc/cryptsetup-keys.d /etc/credstore* /var/lib/systemd/credential.secret "
        "/var/lib/sss",
        "sshd(8); certbot; wg(8); strongSwan; crypttab(5); systemd-creds(1)",
    ),
    Secret(
        "networks and clusters of the system",
        "/etc/NetworkManager/system-connections /etc/netplan /etc/wpa_supplicant /var/lib/iwd /etc/kubernetes "
        "/etc/rancher /var/lib/rancher /var/lib/kubelet /var/lib/docker /var/lib/containers /var/lib/containerd "
        "/var/lib/libvirt /var/lib/lxd /var/lib/cloud /etc/vault.d /etc/boto.cfg",
        "NetworkManager(8); kubeadm; each program's documents",
    ),
    Secret(
        "mail and jobs of the system",
        "/var/mail /var/spool",
        "hier(7)",
    ),
    Secret(
        "pages of memory on disk",
        "/swapfile /swap.img /var/crash /var/lib/systemd/coredump",
        "swapon(8); core(5)",
    ),
)

# Variables that hold secrets themselves: patterns of names, separated by spaces.
VARIABLES = (
    "*_TOKEN *_SECRET *_SECRET_KEY *_PASSWORD *_PASSWD *_PASSPHRASE *_PASS *_API_KEY *_APIKEY *_ACCESS_KEY "
    "*_ACCESS_KEY_ID *_PRIVATE_KEY *_CREDENTIALS AWS_SESSION_TOKEN PGPASSWORD MYSQL_PWD TOKEN PASSWORD SECRET "
    "npm_config__auth* TF_TOKEN_*"
)
# Variables that lead to services outside, whose sockets are hidden, or to files that are.
AGENTS = (
    "SSH_AUTH_SOCK SSH_AGENT_PID GPG_AGENT_INFO DBUS_SESSION_BUS_ADDRESS DBUS_SYSTEM_BUS_ADDRESS DISPLAY "
    "WAYLAND_DISPLAY XAUTHORITY DOCKER_HOST CONTAINER_HOST XDG_RUNTIME_DIR NOTIFY_SOCKET LISTEN_FDS LISTEN_PID "
    "SESSION_MANAGER ICEAUTHORITY PULSE_SERVER TMUX STY VSCODE_IPC_HOOK* VSCODE_GIT_* GIT_ASKPASS SSH_ASKPASS "
    "WSL_INTEROP KRB5CCNAME"
)
