"""Owns the list of directories that programs fill to be faster next time; they change in a layer that is dropped."""

from __future__ import annotations

# Below a home; `~/.cache` also stands for what XDG_CACHE_HOME names.
CACHES = (
    "~/.cache", "~/.cargo", "~/.rustup", "~/.npm", "~/.yarn", "~/.pnpm-store", "~/.local/share/pnpm", "~/.node-gyp",
    "~/.bun", "~/.deno", "~/go/pkg", "~/.gradle", "~/.m2", "~/.ivy2", "~/.sbt", "~/.coursier", "~/.nuget", "~/.dotnet",
    "~/.gem", "~/.bundle", "~/.composer", "~/.ccache", "~/.conan", "~/.conan2", "~/.stack", "~/.cabal", "~/.ghcup",
    "~/.opam", "~/.pub-cache", "~/.dartServer", "~/.mix", "~/.julia", "~/.ipython", "~/.keras", "~/.torch",
    "~/.nltk_data", "~/.conda/pkgs", "~/.cpan", "~/.cpanm", "~/.luarocks", "~/.texlive*", "~/.local/share/virtualenv",
)  # fmt: skip
# Where a program keeps its cache instead, if the environment says so.
CACHE_VARIABLES = (
    "CARGO_HOME", "RUSTUP_HOME", "npm_config_cache", "NPM_CONFIG_CACHE", "YARN_CACHE_FOLDER", "DENO_DIR", "GOMODCACHE",
    "GOCACHE", "GRADLE_USER_HOME", "NUGET_PACKAGES", "CCACHE_DIR", "SCCACHE_DIR", "PIP_CACHE_DIR", "UV_CACHE_DIR",
    "POETRY_CACHE_DIR", "HF_HOME", "TORCH_HOME", "STACK_ROOT", "CABAL_DIR", "PUB_CACHE", "JULIA_DEPOT_PATH",
    "COMPOSER_CACHE_DIR", "CONAN_HOME", "BUNDLE_PATH", "PRE_COMMIT_HOME",
)  # fmt: skip
