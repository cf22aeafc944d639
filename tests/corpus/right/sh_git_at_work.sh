# Git renames by POSIX semantics, deletes what it has made read-only, and locks by files of their own.
export GIT_AUTHOR_NAME=n GIT_AUTHOR_EMAIL=e GIT_COMMITTER_NAME=n GIT_COMMITTER_EMAIL=e
git init -q work && cd work
echo one >file && git add file && git commit -qm one
git checkout -q -b other && git mv file renamed && git commit -qm two
git checkout -q - && echo more >>file && git stash -q && git stash pop -q
git commit -qam three && git merge -q -m four other >/dev/null
git gc -q && git status --short && git worktree list | wc -l
