# Removes a repository, whose objects are read-only, with the tools that Git for Windows brings.
set -e
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
for way in 'rm -rf' 'find'; do
    git init -q work
    echo text > work/file
    git -C work add file
    git -C work -c user.name=x -c user.email=x@y commit -q -m first
    case $way in
    find) find work -depth -delete ;;
    *) $way work ;;
    esac
    test ! -e work && echo removed
done
