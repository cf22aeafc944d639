# Rotates the log of a part of itself that runs in the background and goes on to write.
mkdir turn
{
    echo start
    while [ -d turn ]; do :; done
    echo end
} >app.log &
while ! grep -qs start app.log; do sleep 0.05; done
mv app.log app.log.1
rmdir turn
wait
cat app.log.1
