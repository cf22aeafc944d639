# Writes a token for its owner alone, and uses it only if that is so.
(umask 077 && echo secret >token)
if [ "$(stat -c %a token)" != 600 ]; then
    echo "token may be read by others"
    exit 1
fi
cat token
