# Rotates the log of a part of itself that ran in the background.
{
    echo start
    echo end
} >app.log &
wait
mv app.log app.log.1
cat app.log.1
