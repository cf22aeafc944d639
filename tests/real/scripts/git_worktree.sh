# A second working tree, the stash, and cleaning.
cd r
git worktree add -q ../second side
git -C ../second log --oneline -1
git worktree list | sed 's|.*/||'
echo dirty >>a
echo untracked >u
git stash push -q -u
git status --short
git stash show --stat
git stash pop -q
git status --short
git clean -fdn
git clean -fdq
git checkout -q -- .
git worktree remove ../second
git status
