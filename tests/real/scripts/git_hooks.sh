# Hooks, aliases that run a shell, and a filter process.
cd r
printf '#!/bin/sh\necho "pre-commit in $(basename "$PWD") with index ${GIT_INDEX_FILE##*/}"\n' >.git/hooks/pre-commit
printf '#!/bin/sh\ngrep -q good "$1" || { echo refused >&2; exit 1; }\n' >.git/hooks/commit-msg
chmod +x .git/hooks/pre-commit .git/hooks/commit-msg
echo x >x
git add x
git commit -q -m bad || echo "status $?"
git commit -q -m good && git log --oneline -1
git -c alias.hello='!echo hello from $(basename "$PWD")' hello
echo '*.up filter=upper' >.gitattributes
git config filter.upper.clean 'tr a-z A-Z'
git config filter.upper.smudge 'tr A-Z a-z'
echo text >t.up
git add .
git cat-file -p :t.up
rm t.up
git checkout -q -- t.up
cat t.up
GIT_EDITOR='sed -i s/good/better/' git commit -q --amend --no-verify
git log --format=%s -1
